//! What the use cases need of the backend: one small trait for each capability, so that the fields of
//! a use case are the list of what it can do.

mod access_tokens;
mod attempts;
mod audit;
mod cache;
mod env;
mod event_bus;
mod identity;
mod keys;
mod leases;
mod mailer;
mod one_time_tokens;
mod password_hasher;
mod requests;
mod sessions;
mod users;

pub use access_tokens::{AccessToken, AccessTokenClaims, TokenIssuer, TokenVerifier};
pub use attempts::{Acquisition, Attempts};
pub use audit::AuditLog;
pub use cache::{CacheEntry, SharedCache};
pub use env::{Clock, Env, SecureRandom};
pub use event_bus::{EventBus, MAX_EVENTS};
pub use identity::IdentityProviders;
pub use keys::{KeyGenerator, SecretPurpose, Secrets, SigningKeys};
pub use leases::{Claimed, Lease, LeaseKey, LeaseOptions, Leases, Purpose, Settled};
pub use mailer::{Mailer, SendOutcome};
pub use one_time_tokens::OneTimeTokens;
pub use password_hasher::PasswordHasher;
pub use requests::AnonymousRequests;
pub use sessions::SessionRepository;
pub use users::UserRepository;
