//! The door to what every function shares.
//!
//! | layer | what |
//! |---|---|
//! | [`domain`] | users, logins, sessions, events and their rules; no I/O |
//! | [`application`] | ports, and the services which use cases share |
//! | [`directory`] | the read model behind `GET /users` |
//! | [`lambda`] | how functions are served: HTTP, observers, relays, configuration |
//!
//! The adapters are not shown here. [`lambda::http::run`] and [`lambda::observer::run`] compose them
//! and hand them to `main.rs` as ports.

pub use application;
pub use directory;
pub use domain;
pub use lambda;
