use std::{sync::Arc, time::Duration};

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use shared::{
    application::ports::{Clock as _, OneTimeTokens, PasswordHasher, UserRepository as _},
    domain::{Actor, Email, EventKind, LoginKey, Password},
    lambda::http::{Access, Authenticator, answer},
};
use testing::{FakeBackend, Fault, PASSWORD, sample::Sample};

use super::*;
use crate::handler;

const PROVE: TokenPurpose = TokenPurpose::EmailVerification;
const MOVE: TokenPurpose = TokenPurpose::EmailChange;

fn service(backend: &Arc<FakeBackend>, policy: SignUpPolicy) -> Arc<VerifyEmail> {
    Arc::new(VerifyEmail {
        policy,
        redemption: TokenRedemption {
            users: backend.clone(),
            tokens: backend.clone(),
            first_admin: "ann@example.com".parse().unwrap(),
            env: backend.env(),
        },
    })
}

/// A token for the user, as the observer would have mailed it.
async fn issued(backend: &Arc<FakeBackend>, user: &User, purpose: TokenPurpose) -> OneTimeToken {
    backend.advance(Duration::from_secs(1));
    let seed = u8::try_from(backend.trace().len()).unwrap();
    let token = OneTimeToken::new(purpose, user.id, [seed; 32]);
    let address = match purpose {
        MOVE => user.pending_email.as_ref().unwrap(),
        _ => &user.email,
    };
    let tokens: &dyn OneTimeTokens = backend.as_ref();
    assert!(
        tokens
            .issue(&token.issue(address, backend.now()))
            .await
            .unwrap()
    );
    token
}

/// The user, who wants another address.
async fn wishing(backend: &Arc<FakeBackend>, user: &User, email: &str) -> User {
    let metadata = backend.env().metadata(Origin::system("test")).unwrap();
    let request = user
        .request_email(email.parse().unwrap(), &metadata)
        .unwrap();
    backend.commit(&request).await.unwrap()
}

fn command(token: &OneTimeToken) -> Command {
    Command {
        token: token.clone(),
        origin: Origin::system("test"),
    }
}

fn is_expired(outcome: &Result<User>) -> bool {
    matches!(outcome, Err(Error::Refused(Refusal::TokenExpired)))
}

async fn signs_in(backend: &Arc<FakeBackend>, email: &str) -> bool {
    let key = LoginKey::Email(email.parse::<Email>().unwrap());
    let login = backend.find_login(&key).await.unwrap();
    let hash = login.and_then(|login| login.password);
    let hasher: &dyn PasswordHasher = backend.as_ref();
    hasher
        .verify(&Password::presented(PASSWORD), hash.as_ref())
        .await
        .unwrap()
}

async fn put(backend: &Arc<FakeBackend>, body: &Value) -> (u16, Value) {
    let request = Sample::new("PUT", "/email-verifications").json(body);
    let response = answer(
        handler::ACCESS,
        &Authenticator::open(""),
        service(backend, SignUpPolicy::Open),
        &handler::handle,
        request.into_request().unwrap(),
    )
    .await;
    let body = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
    (response.status().as_u16(), body)
}

#[tokio::test]
async fn a_token_proves_the_present_address_once() {
    let backend = FakeBackend::new();
    let bob = backend.add_user("bob@example.com").await.unwrap();
    let token = issued(&backend, &bob, PROVE).await;
    let body = json!({"token": token.encode().expose_secret()});
    assert_eq!(put(&backend, &body).await, (204, Value::Null));
    let after = &backend.users()[0];
    assert!(after.email_verified && after.roles.is_empty());
    let event = backend.outbox().pop().unwrap();
    assert_eq!(event.kind, EventKind::UserEmailVerified);
    assert_eq!(event.actor, Actor::User(bob.id));
    let (status, problem) = put(&backend, &body).await;
    assert_eq!((status, &problem["code"]), (410, &json!("token-expired")));
    assert_eq!(put(&backend, &json!({"token": "x"})).await.0, 410);
    assert_eq!(put(&backend, &json!({})).await.0, 422);
    assert_eq!(handler::ACCESS, Access::Anyone);
}

#[tokio::test]
async fn the_old_address_works_until_the_new_one_is_proven() {
    let backend = FakeBackend::new();
    let bob = backend.add_user("bob@example.com").await.unwrap();
    let bob = wishing(&backend, &bob, "new@example.com").await;
    let token = issued(&backend, &bob, MOVE).await;
    assert!(signs_in(&backend, "bob@example.com").await);
    assert!(!signs_in(&backend, "new@example.com").await);
    let service = service(&backend, SignUpPolicy::Open);
    let moved = service.execute(command(&token)).await.unwrap();
    assert_eq!(moved.email.as_str(), "new@example.com");
    assert!(moved.email_verified && moved.pending_email.is_none());
    assert!(!signs_in(&backend, "bob@example.com").await, "free again");
    assert!(
        signs_in(&backend, "new@example.com").await,
        "with the same password"
    );
    assert_eq!(
        backend.outbox().pop().unwrap().kind,
        EventKind::UserEmailChanged
    );
    assert!(is_expired(&service.execute(command(&token)).await));
}

/// Whoever asked for an address of their own must not redeem another one with its token.
#[tokio::test]
async fn a_token_for_one_new_address_proves_no_other() {
    let backend = FakeBackend::new();
    let bob = backend.add_user("bob@example.com").await.unwrap();
    let bob = wishing(&backend, &bob, "own@example.com").await;
    let token = issued(&backend, &bob, MOVE).await;
    wishing(&backend, &bob, "victim@example.com").await;
    let outcome = service(&backend, SignUpPolicy::Open)
        .execute(command(&token))
        .await;
    assert!(is_expired(&outcome));
    assert_eq!(backend.users()[0].email.as_str(), "bob@example.com");
}

#[tokio::test]
async fn of_two_users_who_race_for_an_address_one_gets_it() {
    for (policy, refusal) in [
        (SignUpPolicy::Open, Refusal::EmailTaken),
        (SignUpPolicy::Admin, Refusal::EmailTaken),
        (SignUpPolicy::Concealed, Refusal::TokenExpired),
    ] {
        let backend = FakeBackend::new();
        let service = service(&backend, policy);
        let mut tokens = Vec::new();
        for email in ["bob@example.com", "eve@example.com"] {
            let user = backend.add_user(email).await.unwrap();
            let user = wishing(&backend, &user, "new@example.com").await;
            tokens.push(issued(&backend, &user, MOVE).await);
        }
        let (one, two) = tokio::join!(
            service.execute(command(&tokens[0])),
            service.execute(command(&tokens[1])),
        );
        assert!(one.is_ok());
        assert!(
            matches!(two, Err(Error::Refused(told)) if told == refusal),
            "{policy:?}"
        );
        assert!(
            signs_in(&backend, "eve@example.com").await,
            "the loser keeps the old one"
        );
    }
}

#[tokio::test]
async fn a_token_is_bound_to_purpose_and_time() {
    let backend = FakeBackend::new();
    let bob = backend.add_user("bob@example.com").await.unwrap();
    let service = service(&backend, SignUpPolicy::Open);
    let reset = issued(&backend, &bob, TokenPurpose::PasswordReset).await;
    assert!(is_expired(&service.execute(command(&reset)).await));
    let late = issued(&backend, &bob, PROVE).await;
    backend.advance(PROVE.lifetime());
    assert!(is_expired(&service.execute(command(&late)).await));
    let bob = wishing(&backend, &bob, "new@example.com").await;
    let change = issued(&backend, &bob, MOVE).await;
    service.execute(command(&change)).await.unwrap();
    assert!(is_expired(&service.execute(command(&change)).await));
}

#[tokio::test]
async fn one_of_two_who_prove_the_first_administrators_address_becomes_one() {
    let backend = FakeBackend::new();
    let service = service(&backend, SignUpPolicy::Open);
    let ann = backend.add_user("ann@example.com").await.unwrap();
    let token = issued(&backend, &ann, PROVE).await;
    let ann = service.execute(command(&token)).await.unwrap();
    assert!(ann.is_active_admin());
    let event = backend.outbox().pop().unwrap();
    assert_eq!(event.data.changed, ["emailVerified", "roles"]);

    // The address moves on, and the next who has it is nobody special.
    let ann = wishing(&backend, &ann, "other@example.com").await;
    let token = issued(&backend, &ann, MOVE).await;
    service.execute(command(&token)).await.unwrap();
    let next = backend.add_user("ann@example.com").await.unwrap();
    let token = issued(&backend, &next, PROVE).await;
    assert!(
        service
            .execute(command(&token))
            .await
            .unwrap()
            .roles
            .is_empty()
    );
}

/// Whatever fails wherever, the address and its login move together, once.
#[tokio::test]
async fn a_move_survives_every_fault() {
    let tried = FakeBackend::try_every_fault(async |fault: Fault| {
        let backend = FakeBackend::new();
        let bob = backend.add_user("bob@example.com").await.unwrap();
        let bob = wishing(&backend, &bob, "ann@example.com").await;
        let token = issued(&backend, &bob, MOVE).await;
        let service = service(&backend, SignUpPolicy::Open);
        let (_, fired) = backend
            .with_fault(fault, service.execute(command(&token)))
            .await;
        let again = service.execute(command(&token)).await;
        assert!(again.is_ok() || is_expired(&again), "{fault:?}");
        assert!(signs_in(&backend, "ann@example.com").await, "{fault:?}");
        assert!(!signs_in(&backend, "bob@example.com").await, "{fault:?}");
        let after = &backend.users()[0];
        assert!(after.is_active_admin(), "{fault:?}");
        assert_eq!(
            (after.version, backend.outbox().len()),
            (bob.version.next(), 3)
        );
        fired
    })
    .await;
    assert_eq!(tried, 4 * 4, "four calls, each with four faults");
}
