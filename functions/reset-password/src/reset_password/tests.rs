use std::time::Duration;

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use shared::{
    application::ports::{Clock as _, OneTimeTokens, UserRepository as _},
    domain::{
        Actor, Email, Error, EventKind, FirstAdmin, LoginKey, Password, Role, UserId,
        event::EventMetadata,
    },
    lambda::http::{Authenticator, answer},
};
use testing::{FakeBackend, Fault, PASSWORD, sample::Sample};

use super::*;
use crate::handler;

const NEW: &str = "plain granite kettle 47";
const RESET: TokenPurpose = TokenPurpose::PasswordReset;

fn service_for(backend: &Arc<FakeBackend>, first_admin: &str) -> Arc<ResetPassword> {
    Arc::new(ResetPassword {
        passwords: PasswordPolicy::default(),
        hasher: backend.clone(),
        rate_limiter: backend.rate_limiter(),
        redemption: TokenRedemption {
            users: backend.clone(),
            tokens: backend.clone(),
            first_admin: first_admin.parse::<FirstAdmin>().unwrap(),
            env: backend.env(),
        },
    })
}

fn service(backend: &Arc<FakeBackend>) -> Arc<ResetPassword> {
    service_for(backend, "")
}

/// A token for Ann, as the observer would have mailed it.
async fn issued(
    backend: &Arc<FakeBackend>,
    user: &User,
    purpose: TokenPurpose,
    seed: u8,
) -> OneTimeToken {
    backend.advance(Duration::from_secs(1));
    let token = OneTimeToken::new(purpose, user.id, [seed; 32]);
    let tokens: &dyn OneTimeTokens = backend.as_ref();
    assert!(
        tokens
            .issue(&token.issue(&user.email, backend.now()))
            .await
            .unwrap()
    );
    token
}

fn command(token: &OneTimeToken, password: &str) -> Command {
    Command {
        token: token.clone(),
        password: Password::presented(password),
        origin: Origin::system("test"),
    }
}

fn is_expired(outcome: &Result<User>) -> bool {
    matches!(outcome, Err(Error::Refused(Refusal::TokenExpired)))
}

async fn signs_in(backend: &Arc<FakeBackend>, email: &str, password: &str) -> bool {
    let key = LoginKey::Email(email.parse::<Email>().unwrap());
    let login = backend.find_login(&key).await.unwrap().unwrap();
    let hasher: &dyn PasswordHasher = backend.as_ref();
    let password = Password::presented(password);
    hasher
        .verify(&password, login.password.as_ref())
        .await
        .unwrap()
}

async fn put(backend: &Arc<FakeBackend>, body: &Value) -> (u16, Value) {
    let request = Sample::new("PUT", "/password-resets").json(body);
    let response = answer(
        handler::ACCESS,
        &Authenticator::open(""),
        service(backend),
        &handler::handle,
        request.into_request().unwrap(),
    )
    .await;
    let body = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
    (response.status().as_u16(), body)
}

#[tokio::test]
async fn a_token_gives_a_new_password_once() {
    let backend = FakeBackend::new();
    let ann = backend.add_user("ann@example.com").await.unwrap();
    let token = issued(&backend, &ann, RESET, 1).await;
    let body = json!({"token": token.encode().expose_secret(), "newPassword": NEW});
    backend.clear_trace();
    assert_eq!(put(&backend, &body).await, (204, Value::Null));
    assert_eq!(
        backend.trace(),
        [
            "users.find",
            "tokens.is_good",
            "hasher.hash",
            "attempts.clear",
            "users.find",
            "users.commit"
        ]
    );
    assert!(signs_in(&backend, "ann@example.com", NEW).await);
    assert!(!signs_in(&backend, "ann@example.com", PASSWORD).await);
    let after = &backend.users()[0];
    assert!(after.email_verified, "the address is proven too");
    assert_eq!(after.auth_epoch, ann.auth_epoch + 1, "sessions ended");
    let event = backend.outbox().pop().unwrap();
    assert_eq!(event.kind, EventKind::UserPasswordChanged);
    assert_eq!(event.actor, Actor::User(ann.id));

    let (status, problem) = put(&backend, &body).await;
    assert_eq!((status, &problem["code"]), (410, &json!("token-expired")));
}

#[tokio::test]
async fn of_parallel_uses_one_counts() {
    let backend = FakeBackend::new();
    let ann = backend.add_user("ann@example.com").await.unwrap();
    let token = issued(&backend, &ann, RESET, 1).await;
    let service = service(&backend);
    let other = "seven quiet violet lanterns";
    let (one, two) = tokio::join!(
        service.execute(command(&token, NEW)),
        service.execute(command(&token, other)),
    );
    assert!(one.is_ok() != two.is_ok() && (is_expired(&one) || is_expired(&two)));
    assert_eq!(backend.users()[0].version, ann.version.next());
}

#[tokio::test]
async fn only_the_newest_token_of_the_right_purpose_user_and_time_is_good() {
    let backend = FakeBackend::new();
    let ann = backend.add_user("ann@example.com").await.unwrap();
    let bob = backend.add_user("bob@example.com").await.unwrap();
    let service = service(&backend);
    let older = issued(&backend, &ann, RESET, 1).await;
    let newer = issued(&backend, &ann, RESET, 2).await;
    let other = issued(&backend, &ann, TokenPurpose::EmailVerification, 3).await;
    let as_reset = OneTimeToken::new(RESET, ann.id, [3; 32]);
    let of_bob = OneTimeToken::new(RESET, bob.id, [2; 32]);
    let of_nobody = OneTimeToken::new(RESET, UserId::new(backend.now(), [9; 10]), [2; 32]);
    for bad in [older, other, as_reset, of_bob, of_nobody] {
        backend.clear_trace();
        // A weak password too: nothing is said of it.
        assert!(is_expired(
            &service.execute(command(&bad, "ann example")).await
        ));
        assert!(
            !backend.trace().contains(&"hasher.hash"),
            "no hash for a bad token"
        );
    }
    backend.advance(RESET.lifetime().saturating_sub(Duration::from_secs(2)));
    service.execute(command(&newer, NEW)).await.unwrap();
    let late = issued(&backend, &ann, RESET, 4).await;
    backend.advance(RESET.lifetime());
    assert!(is_expired(&service.execute(command(&late, NEW)).await));
}

#[tokio::test]
async fn a_weak_password_leaves_the_token_good() {
    let backend = FakeBackend::new();
    let ann = backend.add_user("ann.example@mail.org").await.unwrap();
    let token = issued(&backend, &ann, RESET, 1).await;
    let encoded = token.encode().expose_secret().to_owned();
    for weak in ["short", "Ann Example", "ann.example"] {
        let (status, problem) =
            put(&backend, &json!({"token": encoded, "newPassword": weak})).await;
        assert_eq!(
            (status, &problem["errors"][0]["pointer"]),
            (422, &json!("/newPassword"))
        );
    }
    service(&backend)
        .execute(command(&token, NEW))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_token_mailed_to_the_old_address_dies_with_it() {
    let backend = FakeBackend::new();
    let ann = backend.add_user("ann@example.com").await.unwrap();
    let token = issued(&backend, &ann, RESET, 1).await;
    let on = || -> EventMetadata { backend.env().metadata(Origin::system("test")).unwrap() };
    let request = ann
        .request_email("new@example.com".parse().unwrap(), &on())
        .unwrap();
    let ann = backend.commit(&request).await.unwrap();
    backend
        .commit(&ann.confirm_email(None, &on()).unwrap())
        .await
        .unwrap();
    assert!(is_expired(
        &service(&backend).execute(command(&token, NEW)).await
    ));
}

#[tokio::test]
async fn who_was_deactivated_stays_so() {
    let backend = FakeBackend::new();
    let ann = backend.add_user("ann@example.com").await.unwrap();
    let token = issued(&backend, &ann, RESET, 1).await;
    backend.tamper(ann.id, |user| user.active = false);
    assert!(is_expired(
        &service(&backend).execute(command(&token, NEW)).await
    ));
}

#[tokio::test]
async fn the_first_administrator_is_whoever_proves_the_address_first() {
    let backend = FakeBackend::new();
    let service = service_for(&backend, "ann@example.com");
    let bob = backend.add_user("bob@example.com").await.unwrap();
    let token = issued(&backend, &bob, RESET, 1).await;
    assert!(
        service
            .execute(command(&token, NEW))
            .await
            .unwrap()
            .roles
            .is_empty()
    );
    let ann = backend.add_user("ann@example.com").await.unwrap();
    assert!(ann.roles.is_empty(), "signing up is not enough");
    let token = issued(&backend, &ann, RESET, 2).await;
    let ann = service.execute(command(&token, NEW)).await.unwrap();
    assert!(ann.is_active_admin());
    let event = backend.outbox().pop().unwrap();
    assert_eq!(event.data.changed, ["password", "emailVerified", "roles"]);

    // With an administrator there, nobody else becomes one.
    let late = service_for(&backend, "bob@example.com");
    let token = issued(&backend, &bob, RESET, 3).await;
    assert!(
        late.execute(command(&token, NEW))
            .await
            .unwrap()
            .roles
            .is_empty()
    );
    assert!(!ann.roles.contains(&"other".parse::<Role>().unwrap()));
}

/// Whatever fails wherever, the password is the old one or the new one; and whoever got no answer
/// and tries again has the new one, or hears that the token was used.
#[tokio::test]
async fn a_reset_survives_every_fault() {
    let tried = FakeBackend::try_every_fault(async |fault: Fault| {
        let backend = FakeBackend::new();
        let ann = backend.add_user("ann@example.com").await.unwrap();
        let token = issued(&backend, &ann, RESET, 1).await;
        let service = service_for(&backend, "ann@example.com");
        let (_, fired) = backend
            .with_fault(fault, service.execute(command(&token, NEW)))
            .await;
        let again = service.execute(command(&token, NEW)).await;
        assert!(again.is_ok() || is_expired(&again), "{fault:?}");
        assert!(
            signs_in(&backend, "ann@example.com", NEW).await,
            "{fault:?}"
        );
        let after = &backend.users()[0];
        assert!(after.is_active_admin(), "{fault:?}");
        assert_eq!(
            (after.version, backend.outbox().len()),
            (ann.version.next(), 2)
        );
        fired
    })
    .await;
    assert_eq!(tried, 4 * 7, "seven calls, each with four faults");
}

/// Principal is locked out by somebody else's guesses gets in by mail.
#[tokio::test]
async fn a_reset_forgives_wrong_guesses() {
    let backend = FakeBackend::new();
    let ann = backend.add_user("ann@example.com").await.unwrap();
    let rate_limiter = backend.sign_in_limiter(1);
    let origin = Origin::system("test");
    let spend = async || {
        let no_login = async { Ok(None) };
        rate_limiter
            .acquire_guess(&ann.email, &origin, no_login)
            .await
    };
    assert!(spend().await.is_ok());
    assert!(spend().await.is_err(), "locked");
    let token = issued(&backend, &ann, RESET, 1).await;
    let weak = service(&backend).execute(command(&token, "password")).await;
    assert!(matches!(weak, Err(Error::PasswordRejected(_))));
    assert!(spend().await.is_err(), "nothing was proven yet");
    let reset = service(&backend).execute(command(&token, NEW)).await;
    assert!(reset.is_ok() && spend().await.is_ok());
}
