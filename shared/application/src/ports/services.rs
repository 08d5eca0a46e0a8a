//! Services outside of Roster: mail, the event bus, OpenID providers.

use async_trait::async_trait;
use domain::{
    DomainEvent, Result,
    identity::{Authorization, ExternalIdentity, IdentityProfile, Provider},
    mail::Mail,
};

use super::LeaseKey;

#[async_trait]
pub trait Mailer: Send + Sync {
    /// Hands `mail` to the mail service, marked with the key of its lease, by which the service's
    /// own events find the ledger.
    ///
    /// # Errors
    /// If nobody knows whether the service accepted it.
    async fn send(&self, mail: &Mail, lease: &LeaseKey) -> Result<SendOutcome>;
}

/// The answer of the mail service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendOutcome {
    /// The service will try to deliver it.
    Accepted,
    /// The service does not have it; says why.
    Refused(String),
}

/// Events in one call of [`EventBus::publish`]: the limit of `PutEvents`.
pub const MAX_EVENTS: usize = 10;

/// Publishes domain events.
#[async_trait]
pub trait EventBus: Send + Sync {
    /// Publishes up to [`MAX_EVENTS`] events. Returns, for each, true if the bus accepted it.
    async fn publish(&self, events: &[DomainEvent]) -> Result<Vec<bool>>;
}

/// The OpenID providers which a deployment trusts.
#[async_trait]
pub trait IdentityProviders: Send + Sync {
    /// What clients need to begin a sign-in. A provider that does not answer is left out.
    async fn list(&self) -> Result<Vec<Provider>>;

    /// Exchanges the code for the identity that signed in. A code is good once.
    ///
    /// # Errors
    /// `Invalid` if there is no such provider; `InvalidCredentials` if the provider refuses the code,
    /// or its ID token is not one for this deployment, this sign-in and this time;
    /// `ProviderUnavailable`.
    async fn redeem(&self, authorization: &Authorization) -> Result<ExternalIdentity>;

    /// The profile of an identity that just signed in: one more request, unless the ID token had it.
    ///
    /// # Errors
    /// `ProviderUnavailable`.
    async fn profile(&self, external: &ExternalIdentity) -> Result<IdentityProfile>;
}
