//! What the use cases need of the outside world: one small trait for each capability, so that the fields of
//! a use case are the list of what it can do.

mod api_keys;
mod cache;
mod crypto;
mod env;
mod invitations;
mod limits;
mod mailboxes;
mod registry;
mod services;
mod users;

pub use api_keys::ApiKeys;
pub use cache::{CacheEntry, SharedCache};
pub use crypto::{
    AccessToken, AccessTokenClaims, KeyGenerator, PasswordHasher, Secrets, SigningKeys,
    TokenIssuer, TokenTarget, TokenVerifier,
};
pub use domain::SecretPurpose;
pub use env::{Clock, Env, SecureRandom};
pub use invitations::{InvitationPage, Invitations};
pub use limits::{
    Acquisition, Attempts, Claimed, Lease, LeaseKey, LeaseOptions, Leases, Lock, Purpose, Settled,
};
pub use mailboxes::Mailboxes;
pub use registry::{
    Called, DeliveryLog, DeliveryPage, DeliveryQueue, Handled, QueuedDelivery, ServiceInstances,
    ServiceRegistry, WebhookSender,
};
pub use services::{EventBus, IdentityProviders, MAX_EVENTS, Mailer, SendOutcome};
pub use users::{AnonymousRequests, AuditLog, OneTimeTokens, SessionRepository, UserRepository};
