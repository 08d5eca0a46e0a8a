//! What Roster is about: users, their logins, sessions and what happens to them.
//!
//! No I/O, no clock, no randomness: time and random bytes come in as values.

pub mod api_key;
pub mod attempt;
pub mod audience;
pub mod audit;
pub mod device;
mod digest;
pub mod email;
pub mod epoch;
pub mod error;
pub mod event;
pub mod first_admin;
pub mod history;
pub mod id;
pub mod identity;
pub mod keys;
pub mod login;
pub mod mail;
pub mod name;
pub mod origin;
pub mod password;
pub mod request;
pub mod role;
pub mod secrets;
pub mod session;
pub mod sign_ins;
pub mod sign_up;
pub mod timestamp;
pub mod token;
pub mod turns;
pub mod user;
pub mod version;
mod visibility;

pub use api_key::{ApiKey, ApiKeyToken};
pub use audience::{Audience, Audiences};
pub use email::Email;
pub use epoch::DeploymentEpoch;
pub use error::{Error, FieldError, Refusal, Result};
pub use event::{DomainEvent, EventKind};
pub use first_admin::FirstAdmin;
pub use id::{ApiKeyId, EventId, RequestId, SessionId, UserId};
pub use login::{Login, LoginKey};
pub use name::Name;
pub use origin::{Actor, Origin};
pub use password::{NewPassword, Password, PasswordHash, PasswordPolicy};
pub use role::{Authority, Role, Roles};
pub use secrets::SecretPurpose;
pub use session::Session;
pub use timestamp::Timestamp;
pub use token::{OneTimeToken, TokenPurpose};
pub use user::{Change, User};
pub use version::Version;
