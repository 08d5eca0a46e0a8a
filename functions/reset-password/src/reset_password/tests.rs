use std::{sync::Arc, time::Duration};

use secrecy::ExposeSecret as _;
use shared::{
    application::{
        devices::DeviceProof,
        ports::{Clock as _, OneTimeTokens, PasswordHasher, UserRepository as _},
    },
    domain::{
        Actor, EventKind, LoginKey, OneTimeToken, Origin, Password, User, UserId,
        device::{Device, PresentedDevice},
        token::TokenBinding,
        user::Standing,
    },
    lambda::http::Access,
};
use testing::{Answer, Endpoint, FakeBackend, PASSWORD, TestRequest, Value, json};

use super::*;
use crate::handler;

const NEW: &str = "plain granite kettle 47";
const RESET: TokenPurpose = TokenPurpose::PasswordReset;
const EXPIRED: (u16, &str) = (410, "token-expired");

/// A token for the user, as `on-password-reset-requested` mails it.
async fn issued(
    backend: &Arc<FakeBackend>,
    user: &User,
    purpose: TokenPurpose,
    seed: u8,
) -> OneTimeToken {
    backend.advance(Duration::from_secs(1));
    let token = OneTimeToken::new(purpose, user.id, [seed; 32]);
    let issue = token.issue(
        &TokenBinding::of(user, token.purpose).unwrap(),
        backend.now(),
    );
    assert!(
        OneTimeTokens::issue(backend.as_ref(), &issue, issue.issued_at)
            .await
            .unwrap()
    );
    token
}

fn body(token: &OneTimeToken, password: &str) -> Value {
    json!({"token": token.encode().expose_secret(), "newPassword": password})
}

async fn send(
    backend: &Arc<FakeBackend>,
    first_admin: &'static str,
    request: TestRequest,
) -> Answer {
    let endpoint = Endpoint::new(handler::ACCESS, handler::handle, |backend| ResetPassword {
        link_password: backend.link_password(first_admin),
    });
    endpoint.answer(backend, request).await
}

async fn put(backend: &Arc<FakeBackend>, first_admin: &'static str, body: &Value) -> Answer {
    let request = TestRequest::new("PUT", "/password-resets").json(body);
    send(backend, first_admin, request).await
}

async fn reset(backend: &Arc<FakeBackend>, token: &OneTimeToken, password: &str) -> Answer {
    put(backend, "", &body(token, password)).await
}

async fn signs_in(backend: &Arc<FakeBackend>, email: &str, password: &str) -> bool {
    let key = LoginKey::Email(email.parse().unwrap());
    let login = backend.find_login(&key).await.unwrap().unwrap();
    let hasher: &dyn PasswordHasher = backend.as_ref();
    let password = Password::presented(password);
    let matches = hasher.verify(&password, login.password.as_ref()).await;
    matches.unwrap()
}

#[tokio::test]
async fn a_token_gives_a_new_password_once() {
    assert_eq!(handler::ACCESS, Access::ANYONE_OR_CALLER);
    let backend = FakeBackend::new();
    let ann = backend.add_user("ann@example.com").await;
    let token = issued(&backend, &ann, RESET, 1).await;
    backend.clear_trace();
    let answer = reset(&backend, &token, NEW).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        backend.trace(),
        [
            "users.find",
            "tokens.is_good",
            "attempts.spend",
            "hasher.hash",
            "users.find",
            "users.commit",
            "sessions.start",
            "tokens.sign",
            "secrets.get_or_put",
            "secrets.get_or_put"
        ]
    );
    assert!(signs_in(&backend, "ann@example.com", NEW).await);
    assert!(!signs_in(&backend, "ann@example.com", PASSWORD).await);
    let after = &backend.users()[0];
    assert!(after.email_verified, "the address is verified too");
    assert_eq!(after.auth_epoch, ann.auth_epoch + 1, "sessions ended");
    let events = backend.outbox();
    let [.., event, session] = &events[..] else {
        panic!("two events: {events:?}");
    };
    assert_eq!(event.kind, EventKind::UserPasswordChanged);
    assert_eq!(event.actor, Actor::User(ann.id));
    assert_eq!(session.kind, EventKind::SessionStarted);
    assert_eq!(answer.body["user"]["id"], ann.id.to_string());
    assert!(answer.body["refreshToken"].is_string());
}

/// A thief with an access token changes the name without a pause.
#[tokio::test]
async fn a_reset_comes_through_while_others_change_the_user() {
    let backend = FakeBackend::new();
    let ann = backend.add_user("ann@example.com").await;
    let token = issued(&backend, &ann, RESET, 1).await;
    let mut user = ann.clone();
    // The first comes before the token is checked, and every further one before a try.
    for n in 0..8 {
        let name = format!("Ann {n}").parse().unwrap();
        let rename = user.rename(name, &backend.metadata()).unwrap();
        user = rename.stamp(backend.now()).user;
        backend.commit_after("users.find", rename);
    }
    assert_eq!(reset(&backend, &token, NEW).await.status, 200);
    assert!(signs_in(&backend, "ann@example.com", NEW).await);
    assert_eq!(backend.user(ann.id).unwrap().name.as_str(), "Ann 7");
}

/// A second click, or a client whose answer got lost.
#[tokio::test]
async fn a_repeated_reset_is_told_as_done_for_the_same_password_alone() {
    let backend = FakeBackend::new();
    let ann = backend.add_user("ann@example.com").await;
    let token = issued(&backend, &ann, RESET, 1).await;
    assert_eq!(reset(&backend, &token, NEW).await.status, 200);
    let (events, user) = (backend.outbox().len(), backend.user(ann.id));
    for (password, answer) in [(NEW, 204), (PASSWORD, 410), ("weak", 410), (NEW, 204)] {
        let again = reset(&backend, &token, password).await;
        assert_eq!(again.status, answer, "{password}: {again:?}");
    }
    assert_eq!(
        (backend.outbox().len(), backend.user(ann.id)),
        (events, user)
    );
    assert!(signs_in(&backend, "ann@example.com", NEW).await);

    // Guesses at the password are as few as repetitions.
    for _ in 4..10 {
        reset(&backend, &token, "guess").await;
    }
    backend.clear_trace();
    let spent = reset(&backend, &token, NEW).await;
    assert_eq!(spent.problem(), (429, "too-many-requests"));
    assert!(!backend.trace().contains(&"hasher.verify"));

    backend.advance(RESET.lifetime());
    assert_eq!(reset(&backend, &token, NEW).await.problem(), EXPIRED);
}

#[tokio::test]
async fn another_password_since_ends_the_repetition() {
    let backend = FakeBackend::new();
    let ann = backend.add_user("ann@example.com").await;
    let token = issued(&backend, &ann, RESET, 1).await;
    assert_eq!(reset(&backend, &token, NEW).await.status, 200);
    let newer = issued(&backend, &backend.user(ann.id).unwrap(), RESET, 2).await;
    assert_eq!(reset(&backend, &token, NEW).await.problem(), EXPIRED);
    assert_eq!(
        reset(&backend, &newer, "seven quiet violet lanterns")
            .await
            .status,
        200
    );
    assert_eq!(reset(&backend, &newer, NEW).await.problem(), EXPIRED);
}

#[tokio::test]
async fn of_parallel_uses_one_counts() {
    let backend = FakeBackend::new();
    let ann = backend.add_user("ann@example.com").await;
    let token = issued(&backend, &ann, RESET, 1).await;
    let (one, two) = tokio::join!(
        reset(&backend, &token, NEW),
        reset(&backend, &token, "seven quiet violet lanterns"),
    );
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 410]);
    assert_eq!(backend.users()[0].version, ann.version.next());
}

#[tokio::test]
async fn only_the_newest_token_of_the_right_purpose_user_and_time_is_good() {
    let backend = FakeBackend::new();
    let ann = backend.add_user("ann@example.com").await;
    let bob = backend.add_user("bob@example.com").await;
    let older = issued(&backend, &ann, RESET, 1).await;
    let newer = issued(&backend, &ann, RESET, 2).await;
    let other = issued(&backend, &ann, TokenPurpose::EmailVerification, 3).await;
    let as_reset = OneTimeToken::new(RESET, ann.id, [3; 32]);
    let of_bob = OneTimeToken::new(RESET, bob.id, [2; 32]);
    let of_nobody = OneTimeToken::new(RESET, UserId::new(backend.now(), [9; 10]), [2; 32]);
    for bad in [older, other, as_reset, of_bob, of_nobody] {
        backend.clear_trace();
        // A weak password too: nothing is said of it.
        let refused = reset(&backend, &bad, "ann example").await;
        assert_eq!(refused.problem(), EXPIRED);
        let calls = backend.trace();
        assert!(!calls.contains(&"hasher.hash"), "no hash for a bad token");
    }
    backend.advance(RESET.lifetime().saturating_sub(Duration::from_secs(2)));
    assert_eq!(reset(&backend, &newer, NEW).await.status, 200);
    let late = issued(&backend, &ann, RESET, 4).await;
    backend.advance(RESET.lifetime());
    assert_eq!(reset(&backend, &late, NEW).await.problem(), EXPIRED);
}

#[tokio::test]
async fn a_weak_password_leaves_the_token_good() {
    let backend = FakeBackend::new();
    let ann = backend.add_user("ann.example@mail.org").await;
    let token = issued(&backend, &ann, RESET, 1).await;
    for weak in ["short", "Ann Example", "ann.example"] {
        let answer = reset(&backend, &token, weak).await;
        assert_eq!(answer.status, 422);
        assert_eq!(answer.invalid_fields()[0].0, "/newPassword");
    }
    assert_eq!(reset(&backend, &token, NEW).await.status, 200);
}

#[tokio::test]
async fn a_token_mailed_to_the_old_address_expires_with_it() {
    let backend = FakeBackend::new();
    let ann = backend.add_user("ann@example.com").await;
    let token = issued(&backend, &ann, RESET, 1).await;
    let request =
        |ann: &User, metadata: &_| ann.request_email("new@example.com".parse().unwrap(), metadata);
    backend.change(ann.id, request).await;
    let confirm = |ann: &User, metadata: &_| ann.confirm_email(None, metadata);
    backend.change(ann.id, confirm).await;
    assert_eq!(reset(&backend, &token, NEW).await.problem(), EXPIRED);
}

#[tokio::test]
async fn who_was_deactivated_stays_so() {
    let backend = FakeBackend::new();
    let ann = backend.add_user("ann@example.com").await;
    let token = issued(&backend, &ann, RESET, 1).await;
    backend.tamper(ann.id, |user| user.active = false);
    assert_eq!(reset(&backend, &token, NEW).await.problem(), EXPIRED);
}

#[tokio::test]
async fn who_verifies_the_address_first_is_the_first_administrator() {
    let backend = FakeBackend::new();
    let roles = async |user: &User, seed, first_admin| {
        let user = backend.user(user.id).unwrap();
        let token = issued(&backend, &user, RESET, seed).await;
        let answer = put(&backend, first_admin, &body(&token, NEW)).await;
        assert_eq!(answer.status, 200);
        answer.body["user"]["roles"].clone()
    };
    let bob = backend.add_user("bob@example.com").await;
    assert_eq!(roles(&bob, 1, "ann@example.com").await, json!([]));
    let ann = backend
        .add_unproven("ann@example.com", Standing::Settled)
        .await;
    assert!(ann.roles.is_empty(), "signing up is not enough");
    assert_eq!(roles(&ann, 2, "ann@example.com").await, json!(["admin"]));
    let event = backend.outbox().into_iter().rev().nth(1).unwrap();
    assert_eq!(event.data.changed, ["password", "emailVerified", "roles"]);

    // There is an administrator now, so nobody else becomes one.
    assert_eq!(roles(&bob, 3, "bob@example.com").await, json!([]));
}

/// Who resets the password of an account that nobody confirmed may never have made it.
#[tokio::test]
async fn a_reset_starts_an_account_anew_which_nobody_confirmed() {
    let backend = FakeBackend::new();
    let stranger = backend
        .add_unproven("ann@example.com", Standing::Provisional)
        .await;
    backend.sign_in(&stranger).await;
    let token = issued(&backend, &stranger, RESET, 1).await;
    let answer = reset(&backend, &token, NEW).await;
    assert_eq!(answer.status, 200);
    let user = &backend.users()[0];
    assert_ne!(user.id, stranger.id);
    assert_eq!(answer.body["user"]["id"], user.id.to_string());
    assert_eq!(user.name.as_str(), "ann");
    assert!(signs_in(&backend, "ann@example.com", NEW).await);
    assert!(backend.sessions_of(user.id).len() == 1);
}

#[tokio::test]
async fn with_its_own_session_a_reset_confirms_the_account() {
    let backend = FakeBackend::new();
    let ann = backend
        .add_unproven("ann@example.com", Standing::Provisional)
        .await;
    let session = backend.sign_in(&ann).await;
    let token = issued(&backend, &ann, RESET, 1).await;
    let request = TestRequest::new("PUT", "/password-resets").json(&body(&token, NEW));
    let answer = send(&backend, "", request.bearer(&session.token)).await;
    assert_eq!(answer.status, 200);
    let after = backend.user(ann.id).unwrap();
    assert!(after.email_verified && after.standing == Standing::Settled);
    assert!(
        after.auth_epoch > ann.auth_epoch,
        "no session of before lasts"
    );
}

/// An account of before, or one that was imported, is somebody's.
#[tokio::test]
async fn a_reset_settles_an_account_of_before() {
    let backend = FakeBackend::new();
    let ann = backend
        .add_unproven("ann@example.com", Standing::Settled)
        .await;
    let token = issued(&backend, &ann, RESET, 1).await;
    assert_eq!(reset(&backend, &token, NEW).await.status, 200);
    assert!(backend.user(ann.id).unwrap().email_verified);
}

/// Who got no answer and tries again has the new password: with a session, or told that it is done.
#[tokio::test]
async fn a_reset_survives_every_fault() {
    let calls = FakeBackend::survives_every_fault(
        async |backend| {
            let ann = backend
                .add_unproven("ann@example.com", Standing::Settled)
                .await;
            issued(backend, &ann, RESET, 1).await
        },
        async |backend, token| {
            let answer = put(backend, "ann@example.com", &body(token, NEW)).await;
            let is_done = [200, 204].contains(&answer.status);
            is_done.then_some(()).ok_or(format!("{answer:?}"))
        },
        async |backend, _| {
            let after = &backend.users()[0];
            signs_in(backend, "ann@example.com", NEW).await
                && after.is_active_admin()
                && after.version.get() == 2
        },
    )
    .await;
    assert_eq!(calls.len(), 11, "{calls:?}");
}

/// To judge a password takes time, whoever has the link.
#[tokio::test]
async fn one_link_offers_so_many_passwords_an_hour() {
    let backend = FakeBackend::new();
    let ann = backend.add_user("ann@example.com").await;
    let token = issued(&backend, &ann, RESET, 1).await;
    for _ in 0..20 {
        let weak = reset(&backend, &token, "password1").await;
        assert_eq!(weak.status, 422);
    }
    backend.clear_trace();
    let refused = reset(&backend, &token, NEW).await;
    assert_eq!(refused.problem(), (429, "too-many-requests"));
    let calls = ["users.find", "tokens.is_good", "attempts.spend"];
    assert_eq!(backend.trace(), calls, "nothing is judged or hashed");
    let bob = backend.add_user("bob@example.com").await;
    let other = issued(&backend, &bob, RESET, 2).await;
    assert_eq!(reset(&backend, &other, NEW).await.status, 200);
}

/// Whose account is locked by another's guesses gets in by mail, and again from the same device. The tally
/// of strangers stays as it is: it would tell them that somebody has the address.
#[tokio::test]
async fn a_reset_lets_the_owner_in_and_forgives_strangers_nothing() {
    let backend = FakeBackend::new();
    let ann = backend.add_user("ann@example.com").await;
    let rate_limiter = backend.sign_in_limiter(1);
    let origin = Origin::system("test");
    let spend = async |device: Option<&Device>| {
        let no_login = async { Ok(None) };
        let guess = rate_limiter.acquire_guess(&ann.email, device, &origin, no_login);
        guess.await.is_ok()
    };
    assert!(spend(None).await);
    assert!(!spend(None).await, "locked");
    let token = issued(&backend, &ann, RESET, 1).await;
    let answer = reset(&backend, &token, NEW).await;
    assert_eq!(answer.status, 200);
    assert!(!spend(None).await);
    let presented = answer.body["deviceToken"].as_str().unwrap();
    let PresentedDevice(Some(token)) = presented.parse().unwrap() else {
        panic!("no device token: {presented}");
    };
    let proof = DeviceProof::Token(token);
    let device = backend.devices().recognize(&proof, &ann.email).await;
    let device = device.unwrap();
    assert!(device.is_some() && spend(device.as_ref()).await);
}

/// Of an account in which the reader of the mail may have no part, not even the name is told: by what is
/// thought of a password.
#[tokio::test]
async fn a_password_is_judged_by_the_name_which_its_user_will_have() {
    for (standing, status) in [(Standing::Settled, 422), (Standing::Provisional, 200)] {
        let backend = FakeBackend::new();
        let ann = backend.add_unproven("ann@example.com", standing).await;
        backend.tamper(ann.id, |user| user.name = "Qxvkz Jwpbf".parse().unwrap());
        let token = issued(&backend, &ann, RESET, 1).await;
        let answer = reset(&backend, &token, "qxvkzjwpbf").await;
        assert_eq!(answer.status, status, "{standing:?}");
    }
}
