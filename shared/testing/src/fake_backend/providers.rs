//! The OpenID providers of a [`FakeBackend`].

use application::ports::{Clock as _, IdentityProviders};
use async_trait::async_trait;
use domain::{
    FieldError, LoginKey, Refusal, Result, Timestamp,
    identity::{Authorization, ExternalIdentity, IdentityProfile, Provider, ProviderName},
};
use secrecy::ExposeSecret as _;

use super::{FakeBackend, lock};

/// The providers, and the codes they issued.
#[derive(Debug, Clone, Default)]
pub(super) struct Providers {
    offered: Vec<Provider>,
    codes: Vec<(String, ExternalIdentity)>,
}

impl FakeBackend {
    /// Adds a provider of this name, at `https://<name>.example.com`.
    pub fn offer_provider(&self, name: &str) {
        let issuer = issuer(name);
        let provider = Provider {
            name: name.parse().expect("a name of a provider"),
            client_id: "roster".to_owned(),
            authorization_endpoint: format!("{issuer}/authorize"),
            issuer,
            scopes: ["openid", "email", "profile"].map(str::to_owned).to_vec(),
        };
        lock(&self.state).providers.offered.push(provider);
    }

    /// The person `subject` signs in at a provider, which issues the authorization code `code`.
    pub fn authorize(&self, provider: &str, subject: &str, code: &str, profile: IdentityProfile) {
        self.issue_code(provider, subject, code, profile, Some(self.now()));
    }

    /// The same at a provider that says that the person signed in at `auth_time`, or does not say when.
    pub fn authorize_at(
        &self,
        provider: &str,
        subject: &str,
        code: &str,
        auth_time: Option<Timestamp>,
    ) {
        let profile = IdentityProfile::default();
        self.issue_code(provider, subject, code, profile, auth_time);
    }

    fn issue_code(
        &self,
        provider: &str,
        subject: &str,
        code: &str,
        profile: IdentityProfile,
        auth_time: Option<Timestamp>,
    ) {
        let external = ExternalIdentity {
            provider: provider.parse().expect("a name of a provider"),
            identity: identity(provider, subject),
            auth_time,
            profile: Some(profile),
            access_token: None,
        };
        let mut state = lock(&self.state);
        state.providers.codes.push((code.to_owned(), external));
    }
}

fn issuer(provider: &str) -> String {
    format!("https://{provider}.example.com")
}

/// The identity of `subject` at a provider.
pub fn identity(provider: &str, subject: &str) -> LoginKey {
    LoginKey::Oidc {
        issuer: issuer(provider),
        subject: subject.to_owned(),
    }
}

impl Providers {
    fn redeem(&mut self, code: &str, provider: &ProviderName) -> Result<ExternalIdentity> {
        if self.offered.iter().all(|offered| offered.name != *provider) {
            let message = "is not a provider of this deployment";
            return Err(FieldError::new("/provider", "unknown-provider", message).into());
        }
        let is_it = |(known, external): &(String, ExternalIdentity)| {
            known == code && external.provider == *provider
        };
        match self.codes.iter().position(is_it) {
            Some(index) => Ok(self.codes.swap_remove(index).1),
            None => Err(Refusal::InvalidCredentials.into()),
        }
    }
}

#[async_trait]
impl IdentityProviders for FakeBackend {
    async fn list(&self) -> Result<Vec<Provider>> {
        self.call("providers.list", |state| {
            Ok(state.providers.offered.clone())
        })
        .await
    }

    async fn redeem(&self, authorization: &Authorization) -> Result<ExternalIdentity> {
        let code = authorization.code.0.expose_secret();
        self.call("providers.redeem", |state| {
            state.providers.redeem(code, &authorization.provider)
        })
        .await
    }

    async fn profile(&self, external: &ExternalIdentity) -> Result<IdentityProfile> {
        let profile = external.profile.clone().unwrap_or_default();
        self.call("providers.profile", |_| Ok(profile)).await
    }
}
