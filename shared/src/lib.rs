//! The door to what every function shares. Start here to find a rule.
//!
//! | layer | what |
//! |---|---|
//! | [`domain`] | users, logins, sessions, events and their rules; no I/O |
//! | [`application`] | ports, and the services that use cases share |
//! | [`directory`] | the read model behind `GET /users` |
//! | [`lambda`] | how functions are served: HTTP, observers, relays, configuration |
//!
//! # Where is …
//!
//! | question | answer |
//! |---|---|
//! | Who may call a function? | [`Access`](lambda::http::Access), checked by the [`Authenticator`](lambda::http::Authenticator) |
//! | What does a request look like to a handler, and what does it answer? | [`Request`](lambda::http::Request), [`body!`](lambda::body!), [`response`](lambda::http::response) |
//! | Which status and code does an error have? | [`problem`](lambda::http::problem), over [`Refusal`](domain::Refusal) |
//! | Which variables does a function read? | [`config!`](lambda::config!) in its `main.rs` |
//! | What can happen to a user? | the methods of [`User`](domain::User); each returns a [`Change`](domain::Change) with its event |
//! | What ends sessions and tokens? | whatever moves [`auth_epoch`](domain::User#structfield.auth_epoch) |
//! | What is a good password, address, name, role? | [`PasswordPolicy`](domain::PasswordPolicy), [`Email`](domain::Email), [`Name`](domain::Name), [`Role`](domain::Role) |
//! | Who may sign up? | [`SignUpPolicy`](domain::sign_up::SignUpPolicy) |
//! | How long do sessions live, and how do refresh tokens rotate? | [`session`](domain::session), [`session_tokens`](application::session_tokens) |
//! | What can a mailed link do, and when is it void? | [`token`](domain::token), [`token_redemption`](application::token_redemption) |
//! | How does a user prove to be the user? | [`sign_in`](application::sign_in); a recent proof is [`Access::recent`](lambda::http::Access::recent) |
//! | How often may somebody try? | [`attempt`](domain::attempt), [`rate_limit`](application::rate_limit) |
//! | When do signing keys change? | [`keys`](domain::keys) |
//! | What is published, and what stays private? | [`event`](domain::event), [`history`](domain::history) |
//! | How is a retry safe? | [`idempotency`](application::idempotency), [`Leases`](application::ports::Leases) |
//! | Why does a mail go out once? | [`mail`](application::mail) |
//! | How is a concurrent change handled? | [`user_updates`](application::user_updates) |
//! | What do `filter`, `sort`, `search` and `cursor` mean? | [`query`](directory::query) |
//! | How does the directory stay up to date? | [`replica`](directory::replica), [`snapshot`](directory::snapshot) |
//!
//! # What is not here
//!
//! The adapters. [`lambda::http::run`], [`lambda::observer::run`] and [`lambda::relay::run`] compose them and
//! hand them to `main.rs` as ports. A use case that names one does not compile:
//!
//! ```compile_fail,E0432
//! use shared::adapters::dynamodb::Users;
//! ```

pub use {application, directory, domain, lambda};
