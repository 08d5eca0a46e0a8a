//! HTTP to the query and back.

use std::sync::Arc;

use serde_json::{Value, json};
use shared::{
    domain::keys::PublicKey,
    lambda::http::{Access, Request, Response, StatusCode, header, response},
};

use crate::publish_keys::PublishKeys;

/// Whoever verifies tokens needs them.
pub const ACCESS: Access = Access::ANYONE;

/// Keys are published hours before they sign, so five minutes of cache never hide one that does.
const CACHEABLE: &str = "public, max-age=300";

/// `GET /.well-known/jwks.json` and `GET /.well-known/openid-configuration`.
pub async fn handle(publish: Arc<PublishKeys>, request: Request) -> Response {
    let document = if request.path.ends_with("/jwks.json") {
        let ring = publish.execute().await?;
        json!({"keys": ring.keys.iter().map(jwk).collect::<Vec<_>>()})
    } else {
        discovery(&request.issuer, publish.email_verified)
    };
    let response = response::json(StatusCode::OK, &document)?;
    response::with_header(response, header::CACHE_CONTROL, CACHEABLE)
}

/// RFC 7517, 4; RFC 7518, 6.3.1.
fn jwk(key: &PublicKey) -> Value {
    json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": key.kid, "n": key.n, "e": key.e})
}

/// OpenID Connect Discovery 1.0, 3, as far as it speaks of verifying tokens: what an authorizer
/// reads of an issuer.
fn discovery(issuer: &str, email_verified: bool) -> Value {
    let mut document = json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "response_types_supported": ["token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["iss", "sub", "aud", "client_id", "exp", "iat", "jti", "sid", "epoch", "roles", "auth_time", "amr"],
    });
    if email_verified && let Some(claims) = document["claims_supported"].as_array_mut() {
        claims.push(json!("email_verified"));
    }
    document
}

#[cfg(test)]
mod tests {
    use adapters::jwt;
    use shared::application::ports::{Clock as _, SigningKeys as _};
    use testing::{Endpoint, FakeBackend, TestRequest};

    use super::*;

    async fn get(backend: &Arc<FakeBackend>, path: &str) -> Value {
        let endpoint = Endpoint::new(ACCESS, handle, |backend| PublishKeys {
            keys: backend.clone(),
            email_verified: true,
        });
        let answer = endpoint
            .answer(backend, TestRequest::new("GET", path))
            .await;
        assert_eq!(answer.header("cache-control"), Some(CACHEABLE));
        answer.body
    }

    #[tokio::test]
    async fn published_keys_have_no_private_part() {
        let backend = FakeBackend::new();
        assert_eq!(
            get(&backend, "/.well-known/jwks.json").await,
            json!({"keys": []})
        );
        let pair = jwt::generate(backend.now()).unwrap();
        backend.bootstrap(&pair).await.unwrap();
        let keys = get(&backend, "/.well-known/jwks.json").await;
        let names: Vec<_> = keys["keys"][0]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        assert_eq!(names, ["alg", "e", "kid", "kty", "n", "use"]);
        assert_eq!(keys["keys"][0]["kid"], json!(pair.public.kid));
    }

    #[tokio::test]
    async fn the_issuer_says_where_its_keys_are() {
        let document = get(&FakeBackend::new(), "/.well-known/openid-configuration").await;
        assert_eq!(document["issuer"], "https://api.example.com");
        assert_eq!(
            document["jwks_uri"],
            "https://api.example.com/.well-known/jwks.json"
        );
        let claims = document["claims_supported"].as_array().unwrap();
        assert!(claims.contains(&json!("email_verified")));
    }
}
