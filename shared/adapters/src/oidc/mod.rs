//! OpenID Connect: authorization code with PKCE and nonce, against any provider that publishes its
//! metadata. Decision 0010 says why no crate does this.
//!
//! What a provider publishes about itself is cached; a code and what it is exchanged for never are.

mod id_token;
mod issuer;
mod keys;
mod lenient;
mod metadata;
mod settings;
#[cfg(test)]
mod signer;
mod token;
mod web;

use std::{fmt, sync::Arc, time::Duration};

use application::{
    cache::{CacheConfig, TieredCache},
    ports::{Clock, IdentityProviders, SharedCache},
};
use async_trait::async_trait;
use domain::{
    Error, FieldError, LoginKey, Refusal, Result,
    identity::{Authorization, ExternalIdentity, IdentityProfile, Provider, ProviderName},
};
use futures::future::join_all;
use secrecy::{ExposeSecret as _, SecretString};

pub use settings::{ClientSecrets, Providers};

use self::{
    id_token::{Expected, UserInfo},
    keys::Keys,
    metadata::Metadata,
    settings::ProviderSettings,
    web::Web,
};
use crate::LOOK_AGAIN_AFTER;

/// What providers publish changes seldom, and a new key is looked for when one turns up.
const LIFETIME: Duration = Duration::from_hours(1);

/// The namespaces of what is cached.
pub(crate) const CACHED: [&str; 3] = ["oidc-metadata:*", "oidc-keys:*", "oidc-list:*"];

/// When to come back if a provider does not answer.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// The providers a deployment trusts.
pub struct Oidc {
    providers: Vec<Client>,
    web: Web,
    metadata: TieredCache<Metadata>,
    keys: TieredCache<Keys>,
    /// The namespace of the cached metadata.
    metadata_namespace: &'static str,
    clock: Arc<dyn Clock>,
}

/// A deployment as a provider knows it.
struct Client {
    settings: ProviderSettings,
    /// None for a public client.
    secret: Option<SecretString>,
}

impl Oidc {
    /// The providers with these settings. Those at loopback addresses may speak plain HTTP if
    /// `loopback` is set: that traffic does not leave the machine. What was cached before the caches
    /// were emptied is used for no longer than `lag`.
    ///
    /// # Errors
    /// If an issuer is no address of a provider, or a secret is of none of them.
    pub fn new(
        providers: Providers,
        mut secrets: ClientSecrets,
        loopback: bool,
        cache: Arc<dyn SharedCache>,
        clock: Arc<dyn Clock>,
        lag: Duration,
    ) -> Result<Self> {
        let config = CacheConfig {
            lifetime: LIFETIME,
            negative_ttl: None,
            max_staleness: lag,
            capacity: 64,
        };
        let web = Web::new(loopback);
        let mut clients = Vec::new();
        for settings in providers.into_iter() {
            web.check(&settings.issuer)?;
            let secret = secrets.take(&settings.name);
            clients.push(Client { settings, secret });
        }
        if let Some(name) = secrets.first() {
            return Err(Error::internal(format!("a secret of no provider: {name}")));
        }
        Ok(Self {
            providers: clients,
            web,
            metadata: TieredCache::new(config, cache.clone(), clock.clone()),
            keys: TieredCache::new(config, cache, clock.clone()),
            metadata_namespace: "oidc-metadata",
            clock,
        })
    }

    /// The same with metadata cached elsewhere. Metadata says where the keys are that verify ID tokens: a
    /// function that anybody may call and that verifies none must not write what others verify by.
    #[must_use]
    pub fn for_listing(self) -> Self {
        Self {
            metadata_namespace: "oidc-list",
            ..self
        }
    }

    fn client(&self, name: &ProviderName) -> Result<&Client> {
        let mut clients = self.providers.iter();
        clients
            .find(|client| client.settings.name == *name)
            .ok_or_else(|| {
                let message = "is not a provider of this deployment";
                FieldError::new("/provider", "unknown-provider", message).into()
            })
    }

    async fn metadata(&self, client: &Client) -> Result<Arc<Metadata>> {
        let issuer = &client.settings.issuer;
        let key = format!("{}:{issuer}", self.metadata_namespace);
        let fetch = async { Metadata::fetch(&self.web, issuer).await.map(Some) };
        let metadata = self.metadata.get(&key, fetch).await?;
        metadata.ok_or_else(|| unavailable("no metadata"))
    }

    /// The keys at `uri`, among them the one called `kid`, if the provider has it.
    async fn keys(&self, uri: &str, kid: Option<&str>) -> Result<Arc<Keys>> {
        let key = format!("oidc-keys:{uri}");
        let now = self.clock.now();
        let fetch = || async { Keys::fetch(&self.web, uri, now).await.map(Some) };
        let known = self.keys.get(&key, fetch()).await?;
        match known {
            Some(keys) if keys.has(kid) || keys.fetched_at.plus(LOOK_AGAIN_AFTER) > now => Ok(keys),
            _ => {
                // The store may fail here: what it holds is then fetched anew when it expires.
                if let Err(error) = self.keys.invalidate(&key).await {
                    tracing::warn!(%error, "keys of a provider stay cached");
                }
                let keys = self.keys.get(&key, fetch()).await?;
                keys.ok_or_else(|| unavailable("no keys"))
            }
        }
    }
}

#[async_trait]
impl IdentityProviders for Oidc {
    async fn list(&self) -> Result<Vec<Provider>> {
        let providers = self.providers.iter().map(async |client| {
            let metadata = self.metadata(client).await.ok()?;
            let settings = client.settings.clone();
            Some(Provider {
                name: settings.name,
                issuer: settings.issuer,
                client_id: settings.client_id,
                authorization_endpoint: metadata.authorization_endpoint.clone(),
                scopes: settings.scopes,
            })
        });
        Ok(join_all(providers).await.into_iter().flatten().collect())
    }

    async fn redeem(&self, authorization: &Authorization) -> Result<ExternalIdentity> {
        let client = self.client(&authorization.provider)?;
        let metadata = self.metadata(client).await?;
        let tokens = token::exchange(&self.web, client, &metadata, authorization).await?;
        let header = id_token::header(&tokens.id_token, &metadata).map_err(forged)?;
        let keys = self.keys(&metadata.jwks_uri, header.kid.as_deref()).await?;
        let key = keys
            .find(header.kid.as_deref(), header.alg)
            .ok_or_else(|| forged("its key is unknown or does not fit"))?;
        let expected = Expected {
            issuer: &client.settings.issuer,
            client_id: &client.settings.client_id,
            nonce: &authorization.nonce,
            now: self.clock.now(),
        };
        let claims = id_token::verify(&tokens.id_token, key, header.alg, &expected);
        let claims = claims.map_err(forged)?;
        Ok(ExternalIdentity {
            provider: client.settings.name.clone(),
            identity: LoginKey::Oidc {
                issuer: claims.iss,
                subject: claims.sub,
            },
            auth_time: claims.auth_time.map(|time| time.0),
            profile: claims.profile.into_profile(client.settings.proves_email),
            access_token: tokens.access_token,
        })
    }

    async fn profile(&self, external: &ExternalIdentity) -> Result<IdentityProfile> {
        if let Some(profile) = &external.profile {
            return Ok(profile.clone());
        }
        let client = self.client(&external.provider)?;
        let metadata = self.metadata(client).await?;
        let asked = metadata.userinfo_endpoint.as_ref();
        let Some((endpoint, token)) = asked.zip(external.access_token.as_ref()) else {
            return Ok(IdentityProfile::default());
        };
        let info: UserInfo = self.web.get(endpoint, Some(token.expose_secret())).await?;
        // OpenID Connect Core 1.0, 5.3.2: it may be another user's.
        match &external.identity {
            LoginKey::Oidc { subject, .. } if *subject == info.sub => {
                let profile = info.profile.into_profile(client.settings.proves_email);
                Ok(profile.unwrap_or_default())
            }
            _ => Err(forged("the user info is another user's")),
        }
    }
}

/// What a caller learns of a provider that does not answer as it should; the log learns why.
fn unavailable(cause: impl fmt::Display) -> Error {
    tracing::warn!(%cause, "an identity provider does not answer as it should");
    Refusal::ProviderUnavailable(RETRY_AFTER).into()
}

/// What a caller learns of a token that is not one for us; the log learns why.
fn forged(cause: &str) -> Error {
    tracing::warn!(cause, "an ID token is refused");
    Refusal::InvalidCredentials.into()
}

#[cfg(test)]
mod tests;
