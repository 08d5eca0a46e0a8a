//! What a provider publishes about itself (OpenID Connect Discovery 1.0, 3).

use domain::Result;
use serde::{Deserialize, Serialize};

use super::{unavailable, web::Web};

/// The part that is needed here.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    pub(super) jwks_uri: String,
    #[serde(default)]
    pub(super) userinfo_endpoint: Option<String>,
    #[serde(default = "client_secret_basic")]
    pub(super) token_endpoint_auth_methods_supported: Vec<String>,
    #[serde(default = "rs256")]
    pub(super) id_token_signing_alg_values_supported: Vec<String>,
}

/// The defaults of the specification.
fn client_secret_basic() -> Vec<String> {
    vec!["client_secret_basic".to_owned()]
}

/// Every provider must support it.
fn rs256() -> Vec<String> {
    vec!["RS256".to_owned()]
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
}
