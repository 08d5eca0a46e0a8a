use std::{sync::Arc, time::Duration};

use adapters::jwt::{AccessTokenSettings, Jwt, generate};
use application::ports::{
    AccessToken, Clock as _, SigningKeys as _, TokenIssuer as _, TokenVerifier as _,
};
use aws_lc_rs::{rand::SystemRandom, rsa::KeyPair, signature::RSA_PKCS1_SHA256};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use domain::Roles;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use testing::FakeBackend;

const ISSUER: &str = "https://api.example.com";

fn jwt(backend: &Arc<FakeBackend>) -> Jwt {
    Jwt::new(backend.known_ring(), backend.env(), "roster")
}

/// An access token of Ann, who signs up.
async fn token_of_ann(backend: &Arc<FakeBackend>, jwt: &Jwt) -> AccessToken {
    let ann = backend.sign_up("Ann", Roles::new()).await;
    let user = backend.user(ann.id).unwrap();
    let session = backend.sessions_of(ann.id).remove(0);
    jwt.issue(ISSUER.into(), &user, &session).await.unwrap()
}

async fn is_taken(jwt: &Jwt, token: &str) -> bool {
    jwt.verify(ISSUER, token).await.unwrap().is_some()
}

fn part(token: &str, number: usize) -> Value {
    let part = token.split('.').nth(number).unwrap();
    serde_json::from_slice(&BASE64.decode(part).unwrap()).unwrap()
}

/// After all keys were replaced at once, sign-in by one process must not give tokens which another
/// process refuses.
#[tokio::test]
async fn tokens_of_a_new_key_are_taken_at_once() {
    let backend = FakeBackend::new();
    let verifier = jwt(&backend);
    verifier.warm_up_to_sign().await.unwrap();
    let ann = backend.sign_up("Ann", Roles::new()).await;
    let (user, session) = (
        backend.user(ann.id).unwrap(),
        backend.sessions_of(ann.id).remove(0),
    );

    let ring = backend.ring().await.unwrap().unwrap();
    let rotation = ring.replacement(generate(backend.now()).unwrap());
    assert!(backend.rotate(&rotation).await.unwrap());
    let token = jwt(&backend)
        .issue(ISSUER.into(), &user, &session)
        .await
        .unwrap()
        .token;
    let old = verifier
        .issue(ISSUER.into(), &user, &session)
        .await
        .unwrap()
        .token;
    let claims = async |token: &secrecy::SecretString| {
        let claims = verifier.verify(ISSUER, token.expose_secret()).await;
        claims.unwrap()
    };
    let old = claims(&old).await.unwrap();
    assert!(verifier.still_counts(&old).await.unwrap(), "nobody asked");
    let new = claims(&token)
        .await
        .expect("an unknown key is looked for at once");
    assert!(verifier.still_counts(&new).await.unwrap());
    assert!(!verifier.still_counts(&old).await.unwrap());
}

/// Without a token of the new key, a process learns when access may lag no longer.
#[tokio::test]
async fn tokens_of_a_withdrawn_key_die_within_the_lag() {
    let backend = FakeBackend::new();
    let jwt = jwt(&backend);
    jwt.warm_up_to_sign().await.unwrap();
    let token = token_of_ann(&backend, &jwt).await.token;
    let ring = backend.ring().await.unwrap().unwrap();
    let rotation = ring.replacement(generate(backend.now()).unwrap());
    assert!(backend.rotate(&rotation).await.unwrap());
    let claims = jwt.verify(ISSUER, token.expose_secret()).await.unwrap();
    let claims = claims.unwrap();
    assert!(jwt.still_counts(&claims).await.unwrap());
    backend.advance(Duration::from_secs(5));
    assert!(!jwt.still_counts(&claims).await.unwrap());
    let claims = jwt.verify(ISSUER, token.expose_secret()).await.unwrap();
    assert!(claims.is_none());
}

/// Our key signs nothing else now, and what it may sign one day must not be taken for an access token
/// (RFC 9068, 4).
#[tokio::test]
async fn a_token_of_another_type_opens_nothing() {
    let backend = FakeBackend::new();
    let jwt = jwt(&backend);
    let token = token_of_ann(&backend, &jwt).await.token;
    let token = token.expose_secret();
    let header = part(token, 0);
    let private = backend.private(header["kid"].as_str().unwrap()).await;
    let pair = KeyPair::from_pkcs8(private.unwrap().unwrap().expose_secret()).unwrap();
    let signed = |header: &Value| {
        let payload = token.split('.').nth(1).unwrap();
        let text = format!("{}.{payload}", BASE64.encode(header.to_string()));
        let mut signature = vec![0; pair.public_modulus_len()];
        let random = SystemRandom::new();
        pair.sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature)
            .unwrap();
        format!("{text}.{}", BASE64.encode(signature))
    };
    assert!(is_taken(&jwt, &signed(&header)).await);
    for (field, value) in [
        ("typ", json!("JWT")),
        ("typ", Value::Null),
        ("alg", json!("PS256")),
    ] {
        let mut other = header.clone();
        other[field] = value;
        assert!(!is_taken(&jwt, &signed(&other)).await, "{other}");
    }
}

#[tokio::test]
async fn a_deployment_chooses_what_its_tokens_say_and_how_long_they_live() {
    let backend = FakeBackend::new();
    let usual = token_of_ann(&backend, &jwt(&backend)).await;
    assert_eq!(usual.expires_in, 600);
    assert!(
        part(usual.token.expose_secret(), 1)
            .get("email_verified")
            .is_none()
    );

    let backend = FakeBackend::new();
    let jwt = jwt(&backend).with(AccessTokenSettings {
        lifetime: Duration::from_mins(30),
        email_verified: true,
    });
    let token = token_of_ann(&backend, &jwt).await;
    assert_eq!(token.expires_in, 1800);
    let token = token.token.expose_secret();
    assert_eq!(part(token, 1)["email_verified"], true);
    // Clocks may differ by five seconds.
    backend.advance(Duration::from_secs(1804));
    assert!(is_taken(&jwt, token).await);
    backend.advance(Duration::from_secs(1));
    assert!(!is_taken(&jwt, token).await);
}

#[tokio::test]
async fn what_init_has_read_no_request_reads() {
    let backend = FakeBackend::new();
    jwt(&backend).warm_up_to_sign().await.unwrap();
    let (jwt, devices) = (jwt(&backend), backend.devices());
    let token = token_of_ann(&backend, &jwt).await.token;
    let verifier = self::jwt(&backend);
    verifier.warm_up().await.unwrap();
    devices.warm_up().await.unwrap();
    backend.clear_trace();
    assert!(is_taken(&verifier, token.expose_secret()).await);
    devices.issue(&backend.users()[0], None).await.unwrap();
    assert_eq!(backend.trace(), [""; 0]);
}
