use std::time::Duration;

use adapters::jwt::{Jwt, generate};
use application::ports::{Clock as _, SigningKeys as _, TokenIssuer as _, TokenVerifier as _};
use domain::Roles;
use secrecy::ExposeSecret as _;
use testing::FakeBackend;

const ISSUER: &str = "https://api.example.com";

/// After all keys were replaced at once, sign-in by one process must not give tokens which another
/// process refuses for minutes.
#[tokio::test]
async fn tokens_of_a_replaced_key_are_taken_before_the_known_ring_is_stale() {
    let backend = FakeBackend::new();
    let jwt = || Jwt::new(backend.clone(), backend.env(), "roster");
    let verifier = jwt();
    verifier.warm_up_to_sign().await.unwrap();
    let ann = backend.sign_up("Ann", Roles::new()).await;
    let (user, session) = (
        backend.user(ann.id).unwrap(),
        backend.sessions_of(ann.id).remove(0),
    );

    let ring = backend.ring().await.unwrap().unwrap();
    let rotation = ring.replacement(generate(backend.now()).unwrap());
    assert!(backend.rotate(&rotation).await.unwrap());
    let token = jwt()
        .issue(ISSUER.into(), &user, &session)
        .await
        .unwrap()
        .token;
    let is_taken = async || {
        let claims = verifier.verify(ISSUER, token.expose_secret()).await;
        claims.unwrap().is_some()
    };
    assert!(!is_taken().await, "the ring was just read");
    backend.advance(Duration::from_mins(1));
    assert!(is_taken().await);
}
