//! The strategy `password`, by way of the handler.

use std::sync::Arc;

use shared::{
    application::{
        ports::{PasswordHasher, UserRepository as _},
        sign_in::{
            AuthenticationStrategy as _,
            password::{PasswordCredentials, PasswordStrategy},
        },
    },
    domain::{LoginKey, Password, PasswordHash, User, event::EventMetadata, sign_up::SignUpPolicy},
};
use testing::{Endpoint, FakeBackend, Fault, PASSWORD, TestRequest, json};

use super::*;
use crate::{authenticate::tests::service, handler};

/// A backend in which Ann has an imported account, whose hash is not current.
async fn imported() -> Arc<FakeBackend> {
    let backend = FakeBackend::new();
    let ann = backend.add_user("ann@example.com").await;
    let hash = foreign(&backend);
    let reset = |ann: &User, metadata: &_| Ok(ann.reset_password(hash, metadata));
    backend.change(ann.id, reset).await;
    backend.clear_trace();
    backend
}

fn foreign(backend: &FakeBackend) -> PasswordHash {
    backend.foreign_hash(&Password::presented(PASSWORD))
}

async fn sign_in(backend: &Arc<FakeBackend>, password: &str) -> u16 {
    let body = json!({"email": "ann@example.com", "password": password});
    let request = TestRequest::new("POST", "/sessions").json(&body);
    let endpoint = Endpoint::new(handler::ACCESS, handler::handle, |backend| {
        service(backend, SignUpPolicy::Open)
    });
    endpoint.answer(backend, request).await.status
}

async fn stored(backend: &FakeBackend) -> PasswordHash {
    let key = LoginKey::Email("ann@example.com".parse().unwrap());
    let login = backend.find_login(&key).await.unwrap().unwrap();
    login.password.unwrap()
}

#[tokio::test]
async fn a_foreign_hash_is_replaced_by_the_first_sign_in() {
    let backend = imported().await;
    assert_eq!(sign_in(&backend, PASSWORD).await, 201);
    assert!(backend.is_current(&stored(&backend).await));
    backend.clear_trace();
    assert_eq!(sign_in(&backend, PASSWORD).await, 201);
    assert_eq!(
        backend.trace()[..8],
        [
            "attempts.spend",
            "attempts.spend",
            "users.find_login",
            "users.find",
            "hasher.verify",
            "attempts.spend",
            "secrets.get_or_put",
            "sessions.start"
        ],
        "nothing is left to do"
    );
}

#[tokio::test]
async fn who_does_not_know_the_password_changes_no_hash() {
    let backend = imported().await;
    assert_eq!(sign_in(&backend, "wrong").await, 401);
    assert_eq!(
        backend.trace(),
        [
            "attempts.spend",
            "attempts.spend",
            "users.find_login",
            "users.find",
            "hasher.verify"
        ]
    );
    assert_eq!(stored(&backend).await, foreign(&backend));
}

#[tokio::test]
async fn who_may_not_sign_in_changes_no_hash() {
    let backend = imported().await;
    let id = backend.users()[0].id;
    backend.tamper(id, |user| user.active = false);
    assert_eq!(sign_in(&backend, PASSWORD).await, 401);
    assert_eq!(stored(&backend).await, foreign(&backend));
}

/// Who knows the password gets in now or the next time, and a fault of the upgrade stops nobody.
#[tokio::test]
async fn no_fault_of_the_upgrade_keeps_anyone_out() {
    let tried = FakeBackend::try_every_fault(async |fault: Fault| {
        let backend = imported().await;
        let first = sign_in(&backend, PASSWORD);
        let (first, happened) = backend.with_fault(fault, first).await;
        // Once the sign-in is counted, the fault was one of the upgrade or of what comes after it.
        let counts = backend
            .trace()
            .into_iter()
            .filter(|call| *call == "attempts.spend");
        let is_about_the_upgrade = backend.trace().contains(&"hasher.hash") && counts.count() == 2;
        if is_about_the_upgrade {
            assert_eq!(first, None, "{fault:?}: only a stop ends a sign-in here");
        }
        assert_eq!(sign_in(&backend, PASSWORD).await, 201, "{fault:?}");
        assert!(backend.is_current(&stored(&backend).await), "{fault:?}");
        happened
    })
    .await;
    assert!(
        tried > 4 * 7,
        "the upgrade is done after seven calls: {tried}"
    );
}

#[tokio::test]
async fn no_failed_call_of_a_sign_in_spends_an_attempt() {
    let mut failed = 0;
    loop {
        let backend = imported().await;
        let strategy = PasswordStrategy {
            users: backend.clone(),
            hasher: backend.clone(),
            rate_limiter: backend.sign_in_limiter(1),
            devices: backend.devices(),
            env: backend.env(),
        };
        let origin = Origin::system("test");
        let sign_in = || {
            let credentials = PasswordCredentials {
                email: "ann@example.com".parse().unwrap(),
                password: Password::presented(PASSWORD),
                device: None,
            };
            strategy.authenticate(credentials, &origin)
        };
        let fault = Fault::Fail(failed);
        let (outcome, _) = backend.with_fault(fault, sign_in()).await;
        if outcome.unwrap().is_ok() {
            break;
        }
        assert!(sign_in().await.is_ok(), "{fault:?}");
        failed += 1;
    }
    assert_eq!(failed, 5, "two counts, the login, the user and the hash");
}

const NEW: &str = "seven purple kites aloft";

/// What may happen to a password while somebody signs in.
type Change = fn(&User, PasswordHash, &EventMetadata) -> shared::domain::Change;

const CHANGES: [Change; 2] = [
    |ann, hash, metadata| ann.change_password(hash, metadata),
    |ann, hash, metadata| ann.reset_password(hash, metadata),
];

/// A backend in which Ann's password becomes [`NEW`] as soon as her login was read once more.
async fn changing(change: Change) -> Arc<FakeBackend> {
    let backend = FakeBackend::new();
    let ann = backend.add_user("ann@example.com").await;
    let hasher: &dyn PasswordHasher = backend.as_ref();
    let hash = hasher.hash(&Password::presented(NEW)).await.unwrap();
    let change = change(&ann, hash, &backend.metadata());
    backend.commit_after("users.find_login", change);
    backend
}

/// The user who is read after the change has the epoch of after it: a session would live.
#[tokio::test]
async fn an_old_password_starts_no_session_though_it_changes_meanwhile() {
    for change in CHANGES {
        let backend = changing(change).await;
        let ann = backend.users()[0].id;
        assert_eq!(sign_in(&backend, PASSWORD).await, 401);
        assert!(backend.sessions_of(ann).is_empty());
    }
}

#[tokio::test]
async fn the_new_password_is_right_as_soon_as_it_is_written() {
    for change in CHANGES {
        let backend = changing(change).await;
        assert_eq!(sign_in(&backend, NEW).await, 201);
    }
}

/// Nobody waits for ever, and nobody is let in by half of what was read.
#[tokio::test]
async fn a_password_that_changes_all_the_time_is_refused_for_now() {
    let backend = FakeBackend::new();
    let ann = backend.add_user("ann@example.com").await;
    backend.tamper(ann.id, |user| {
        user.password_version = Some(user.version.next());
    });
    for _ in 0..11 {
        assert_eq!(sign_in(&backend, PASSWORD).await, 503, "it is not counted");
    }
    assert!(backend.sessions_of(ann.id).is_empty());
}
