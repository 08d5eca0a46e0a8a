//! What a provider publishes about itself (OpenID Connect Discovery 1.0, 3).

use domain::Result;
use serde::{Deserialize, Serialize};

use super::{lenient, unavailable, web::Web};

/// The part that is needed here.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    pub(super) jwks_uri: String,
    #[serde(default, deserialize_with = "lenient::optional")]
    pub(super) userinfo_endpoint: Option<String>,
    #[serde(default, deserialize_with = "lenient::texts")]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default, deserialize_with = "lenient::texts")]
    id_token_signing_alg_values_supported: Option<Vec<String>>,
}

impl Metadata {
    /// Reads the metadata and checks it.
    ///
    /// # Errors
    /// `ProviderUnavailable` if it cannot be read, if it is another issuer's (4.3: compared byte by
    /// byte), or if it names addresses that are not allowed.
    pub(super) async fn fetch(web: &Web, issuer: &str) -> Result<Self> {
        let base = issuer.strip_suffix('/').unwrap_or(issuer);
        let url = format!("{base}/.well-known/openid-configuration");
        let metadata: Self = web.get(&url, None).await?;
        if metadata.issuer != issuer {
            return Err(unavailable(format!("{url} is of another issuer")));
        }
        let endpoints = [
            &metadata.authorization_endpoint,
            &metadata.token_endpoint,
            &metadata.jwks_uri,
        ];
        for endpoint in endpoints.into_iter().chain(&metadata.userinfo_endpoint) {
            web.check(endpoint).map_err(unavailable)?;
        }
        Ok(metadata)
    }

    /// By which algorithms the provider signs ID tokens; `RS256`, which all must know, if it does not say.
    pub(super) fn signing_algorithms(&self) -> impl Iterator<Item = &str> {
        names(self.id_token_signing_alg_values_supported.as_ref(), "RS256")
    }

    /// How a client may prove who it is at the token endpoint; by `client_secret_basic`, the default of
    /// the specification, if the provider does not say.
    pub(super) fn authentication_methods(&self) -> impl Iterator<Item = &str> {
        let methods = &self.token_endpoint_auth_methods_supported;
        names(methods.as_ref(), "client_secret_basic")
    }
}

fn names<'a>(list: Option<&'a Vec<String>>, default: &'a str) -> impl Iterator<Item = &'a str> {
    let otherwise = list.is_none().then_some(default);
    list.into_iter()
        .flatten()
        .map(String::as_str)
        .chain(otherwise)
}
