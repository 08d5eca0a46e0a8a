use std::{sync::Arc, time::Duration};

use secrecy::ExposeSecret as _;
use shared::{
    application::ports::{Clock as _, OneTimeTokens, PasswordHasher, UserRepository as _},
    domain::{Actor, EventKind, LoginKey, Password, token::TokenBinding},
    lambda::http::Access,
};
use testing::{Answer, Endpoint, FakeBackend, PASSWORD, TestRequest, Value, json};

use super::*;
use crate::{accept_invitation::tests::accepting, handler};

const VERIFY: TokenPurpose = TokenPurpose::EmailVerification;
const MOVE: TokenPurpose = TokenPurpose::EmailChange;
const OPEN: SignUpPolicy = SignUpPolicy::Open;
const EXPIRED: (u16, &str) = (410, "token-expired");

/// A token for the user, as an observer mails it.
async fn issued(backend: &Arc<FakeBackend>, user: &User, purpose: TokenPurpose) -> OneTimeToken {
    backend.advance(Duration::from_secs(1));
    let seed = u8::try_from(backend.trace().len()).unwrap();
    let token = OneTimeToken::new(purpose, user.id, [seed; 32]);
    let binding = TokenBinding::of(user, purpose).unwrap();
    let issue = token.issue(&binding, backend.now());
    assert!(
        OneTimeTokens::issue(backend.as_ref(), &issue)
            .await
            .unwrap()
    );
    token
}

/// The user, who asks for another address.
async fn moving(backend: &Arc<FakeBackend>, user: &User, email: &str) -> User {
    let email = email.parse().unwrap();
    let request = |user: &User, metadata: &_| user.request_email(email, metadata);
    backend.change(user.id, request).await
}

async fn put(backend: &Arc<FakeBackend>, policy: SignUpPolicy, body: &Value) -> Answer {
    let endpoint = Endpoint::new(handler::ACCESS, handler::handle, move |backend| {
        VerifyEmail {
            policy,
            redemption: backend.redemption("ann@example.com"),
            accept: accepting(backend),
        }
    });
    let request = TestRequest::new("PUT", "/email-verifications").json(body);
    endpoint.answer(backend, request).await
}

async fn redeem(backend: &Arc<FakeBackend>, policy: SignUpPolicy, token: &OneTimeToken) -> Answer {
    put(
        backend,
        policy,
        &json!({"token": token.encode().expose_secret()}),
    )
    .await
}

async fn signs_in(backend: &Arc<FakeBackend>, email: &str) -> bool {
    let key = LoginKey::Email(email.parse().unwrap());
    let login = backend.find_login(&key).await.unwrap();
    let hash = login.and_then(|login| login.password);
    let hasher: &dyn PasswordHasher = backend.as_ref();
    let matches = hasher
        .verify(&Password::presented(PASSWORD), hash.as_ref())
        .await;
    matches.unwrap()
}

#[tokio::test]
async fn a_token_verifies_the_present_address_once() {
    assert_eq!(handler::ACCESS, Access::ANYONE);
    let backend = FakeBackend::new();
    let bob = backend.add_user("bob@example.com").await;
    let token = issued(&backend, &bob, VERIFY).await;
    let answer = redeem(&backend, OPEN, &token).await;
    assert_eq!((answer.status, answer.body), (204, Value::Null));
    let after = &backend.users()[0];
    assert!(after.email_verified && after.roles.is_empty());
    let event = backend.outbox().pop().unwrap();
    assert_eq!(event.kind, EventKind::UserEmailVerified);
    assert_eq!(event.actor, Actor::User(bob.id));
    let nonsense = put(&backend, OPEN, &json!({"token": "x"})).await;
    assert_eq!(nonsense.problem(), EXPIRED);
    assert_eq!(put(&backend, OPEN, &json!({})).await.status, 422);
}

#[tokio::test]
async fn the_old_address_works_until_the_new_one_is_verified() {
    let backend = FakeBackend::new();
    let bob = backend.add_user("bob@example.com").await;
    let bob = moving(&backend, &bob, "new@example.com").await;
    let token = issued(&backend, &bob, MOVE).await;
    assert!(signs_in(&backend, "bob@example.com").await);
    assert!(!signs_in(&backend, "new@example.com").await);
    assert_eq!(redeem(&backend, OPEN, &token).await.status, 204);
    let moved = backend.user(bob.id).unwrap();
    assert_eq!(moved.email.as_str(), "new@example.com");
    assert!(moved.email_verified && moved.pending_email.is_none());
    assert!(!signs_in(&backend, "bob@example.com").await, "free again");
    assert!(
        signs_in(&backend, "new@example.com").await,
        "with the same password"
    );
    let event = backend.outbox().pop().unwrap();
    assert_eq!(event.kind, EventKind::UserEmailChanged);
}

/// A second click, or a client whose answer got lost.
#[tokio::test]
async fn a_repeated_proof_is_told_as_done_until_the_token_expires() {
    for purpose in [VERIFY, MOVE] {
        let backend = FakeBackend::new();
        let bob = backend.add_user("bob@example.com").await;
        let bob = moving(&backend, &bob, "new@example.com").await;
        let token = issued(&backend, &bob, purpose).await;
        assert_eq!(redeem(&backend, OPEN, &token).await.status, 204);
        let (events, user) = (backend.outbox().len(), backend.user(bob.id));
        for _ in 0..10 {
            let again = redeem(&backend, OPEN, &token).await;
            assert_eq!((again.status, again.body), (204, Value::Null));
        }
        let spent = redeem(&backend, OPEN, &token).await;
        assert_eq!(spent.problem(), (429, "too-many-requests"));
        assert_eq!(
            (backend.outbox().len(), backend.user(bob.id)),
            (events, user)
        );

        let forged = OneTimeToken::new(purpose, bob.id, [99; 32]);
        assert_eq!(redeem(&backend, OPEN, &forged).await.problem(), EXPIRED);
        backend.advance(purpose.lifetime());
        assert_eq!(redeem(&backend, OPEN, &token).await.problem(), EXPIRED);
    }
}

/// A newer token takes the slot, and with it what was known of the one before.
#[tokio::test]
async fn a_newer_token_ends_the_repetition_of_the_one_before() {
    let backend = FakeBackend::new();
    let bob = backend.add_user("bob@example.com").await;
    let bob = moving(&backend, &bob, "new@example.com").await;
    let used = issued(&backend, &bob, MOVE).await;
    assert_eq!(redeem(&backend, OPEN, &used).await.status, 204);
    let bob = moving(&backend, &bob, "newer@example.com").await;
    issued(&backend, &bob, MOVE).await;
    assert_eq!(redeem(&backend, OPEN, &used).await.problem(), EXPIRED);
}

#[tokio::test]
async fn a_repetition_survives_every_fault() {
    let calls = FakeBackend::survives_every_fault(
        async |backend| {
            let bob = backend.add_user("bob@example.com").await;
            let token = issued(backend, &bob, VERIFY).await;
            assert_eq!(redeem(backend, OPEN, &token).await.status, 204);
            token
        },
        async |backend, token| {
            let answer = redeem(backend, OPEN, token).await;
            let is_done = answer.status == 204;
            is_done.then_some(()).ok_or(format!("{answer:?}"))
        },
        async |backend, _| backend.users()[0].version.get() == 2,
    )
    .await;
    let expected = [
        "users.find",
        "tokens.is_used",
        "attempts.spend",
        "users.find",
    ];
    assert_eq!(calls, expected);
}

/// Who asked for an address of their own must not get another's with its token.
#[tokio::test]
async fn a_token_for_one_new_address_verifies_no_other() {
    let backend = FakeBackend::new();
    let bob = backend.add_user("bob@example.com").await;
    let bob = moving(&backend, &bob, "own@example.com").await;
    let token = issued(&backend, &bob, MOVE).await;
    moving(&backend, &bob, "victim@example.com").await;
    assert_eq!(redeem(&backend, OPEN, &token).await.problem(), EXPIRED);
    assert_eq!(backend.users()[0].email.as_str(), "bob@example.com");
}

#[tokio::test]
async fn of_two_users_who_race_for_an_address_one_gets_it() {
    for (policy, refusal) in [
        (OPEN, (409, "email-taken")),
        (SignUpPolicy::Admin, (409, "email-taken")),
        (SignUpPolicy::Concealed, EXPIRED),
    ] {
        let backend = FakeBackend::new();
        let mut tokens = Vec::new();
        for email in ["bob@example.com", "eve@example.com"] {
            let user = backend.add_user(email).await;
            let user = moving(&backend, &user, "new@example.com").await;
            tokens.push(issued(&backend, &user, MOVE).await);
        }
        let (one, two) = tokio::join!(
            redeem(&backend, policy, &tokens[0]),
            redeem(&backend, policy, &tokens[1]),
        );
        assert_eq!(one.status, 204);
        assert_eq!(two.problem(), refusal, "{policy:?}");
        assert!(
            signs_in(&backend, "eve@example.com").await,
            "the loser keeps the old one"
        );
    }
}

#[tokio::test]
async fn a_token_is_bound_to_purpose_and_time() {
    let backend = FakeBackend::new();
    let bob = backend.add_user("bob@example.com").await;
    let reset = issued(&backend, &bob, TokenPurpose::PasswordReset).await;
    assert_eq!(redeem(&backend, OPEN, &reset).await.problem(), EXPIRED);
    let late = issued(&backend, &bob, VERIFY).await;
    backend.advance(VERIFY.lifetime());
    assert_eq!(redeem(&backend, OPEN, &late).await.problem(), EXPIRED);
    let bob = moving(&backend, &bob, "new@example.com").await;
    let change = issued(&backend, &bob, MOVE).await;
    assert_eq!(redeem(&backend, OPEN, &change).await.status, 204);
}

#[tokio::test]
async fn who_verifies_the_first_administrators_address_first_becomes_one() {
    let backend = FakeBackend::new();
    let ann = backend.add_user("ann@example.com").await;
    let token = issued(&backend, &ann, VERIFY).await;
    assert_eq!(redeem(&backend, OPEN, &token).await.status, 204);
    let ann = backend.user(ann.id).unwrap();
    assert!(ann.is_active_admin());
    let event = backend.outbox().pop().unwrap();
    assert_eq!(event.data.changed, ["emailVerified", "roles"]);

    // The address becomes free, and the next user who has it gets no role.
    let ann = moving(&backend, &ann, "other@example.com").await;
    let token = issued(&backend, &ann, MOVE).await;
    assert_eq!(redeem(&backend, OPEN, &token).await.status, 204);
    let next = backend.add_user("ann@example.com").await;
    let token = issued(&backend, &next, VERIFY).await;
    assert_eq!(redeem(&backend, OPEN, &token).await.status, 204);
    assert!(backend.user(next.id).unwrap().roles.is_empty());
}

/// The address and its login move together, once.
#[tokio::test]
async fn a_move_survives_every_fault() {
    let calls = FakeBackend::survives_every_fault(
        async |backend| {
            let bob = backend.add_user("bob@example.com").await;
            let bob = moving(backend, &bob, "ann@example.com").await;
            issued(backend, &bob, MOVE).await
        },
        async |backend, token| {
            let answer = redeem(backend, OPEN, token).await;
            let is_done = answer.status == 204;
            is_done.then_some(()).ok_or(format!("{answer:?}"))
        },
        async |backend, _| {
            let after = &backend.users()[0];
            signs_in(backend, "ann@example.com").await
                && !signs_in(backend, "bob@example.com").await
                && after.is_active_admin()
                && (after.version.get(), backend.outbox().len()) == (3, 3)
        },
    )
    .await;
    assert_eq!(calls.len(), 4, "{calls:?}");
}
