//! OpenID providers.

use async_trait::async_trait;
use domain::{
    Result,
    identity::{Authorization, ExternalIdentity, IdentityProfile, Provider},
};

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
