use std::time::Duration;

use adapters::jwt::{Jwt, generate};
use application::ports::{Clock as _, SigningKeys as _, TokenIssuer as _, TokenVerifier as _};
use domain::Roles;
use secrecy::ExposeSecret as _;
use testing::FakeBackend;

const ISSUER: &str = "https://api.example.com";

/// After all keys were replaced at once, sign-in by one process must not give tokens which another
/// process refuses.
#[tokio::test]
async fn tokens_of_a_new_key_are_taken_at_once() {
    let backend = FakeBackend::new();
    let jwt = || Jwt::new(backend.known_ring(), backend.env(), "roster");
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
    let jwt = Jwt::new(backend.known_ring(), backend.env(), "roster");
    jwt.warm_up_to_sign().await.unwrap();
    let ann = backend.sign_up("Ann", Roles::new()).await;
    let user = backend.user(ann.id).unwrap();
    let session = backend.sessions_of(ann.id).remove(0);
    let token = jwt
        .issue(ISSUER.into(), &user, &session)
        .await
        .unwrap()
        .token;
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
