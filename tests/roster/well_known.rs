//! `GET /.well-known/…`: what another service needs to trust Roster's tokens.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde_json::Value;

use crate::support::{on_shared_stack, unique_email};

#[test]
fn another_service_can_verify_a_token_by_discovery_alone() {
    on_shared_stack(async |roster| {
        let email = unique_email("token");
        roster.sign_up(&email).await;
        let session = roster.sign_in(&email).await;
        let token = session.body["accessToken"].as_str().unwrap();

        let discovery = roster.get("/.well-known/openid-configuration").await;
        let issuer = discovery.body["issuer"].as_str().unwrap();
        assert_eq!(
            discovery.header("cache-control"),
            Some("public, max-age=300")
        );
        let keys = roster.get("/.well-known/jwks.json").await;
        let keys: JwkSet = serde_json::from_value(keys.body).unwrap();

        let header = decode_header(token).unwrap();
        assert_eq!(header.typ.as_deref(), Some("at+jwt"));
        let key = DecodingKey::from_jwk(keys.find(&header.kid.unwrap()).unwrap()).unwrap();
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&["roster"]);
        let claims: Value = decode(token, &key, &validation).unwrap().claims;
        assert_eq!(claims["sub"], session.body["user"]["id"]);
        assert_eq!(claims["amr"], serde_json::json!(["pwd"]));
    });
}
