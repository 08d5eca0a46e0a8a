use shared::domain::{PasswordHash, Roles, user::NewUser};
use testing::{FakeBackend, Fault};

use super::*;

const PASSWORD: &str = "correct horse battery staple";

fn strategy(backend: &Arc<FakeBackend>) -> PasswordStrategy {
    PasswordStrategy {
        users: backend.clone(),
        hasher: backend.clone(),
        rate_limiter: backend.sign_in_limiter(10),
        env: backend.env(),
    }
}

/// A world in which Ann has an account with this hash.
async fn world_with(hash: impl FnOnce(&FakeBackend) -> PasswordHash) -> Arc<FakeBackend> {
    let backend = FakeBackend::new();
    let metadata = backend.env().metadata(Origin::system("test"));
    let metadata = metadata.unwrap();
    let new = NewUser {
        id: UserId::new(metadata.now, [7; 10]),
        email: "ann@example.com".parse().unwrap(),
        name: "Ann".parse().unwrap(),
        password: hash(&backend),
        roles: Roles::new(),
    };
    backend.commit(&User::create(new, &metadata)).await.unwrap();
    backend.clear_trace();
    backend
}

fn foreign(backend: &FakeBackend) -> PasswordHash {
    backend.foreign_hash(&Password::presented(PASSWORD))
}

async fn authenticate(backend: &Arc<FakeBackend>, password: &str) -> Result<Authenticated> {
    let origin = Origin::system("test");
    let strategy = strategy(backend);
    strategy.authenticate(credentials(password), &origin).await
}

fn credentials(password: &str) -> PasswordCredentials {
    PasswordCredentials {
        email: "ann@example.com".parse().unwrap(),
        password: Password::presented(password),
    }
}

async fn stored(backend: &FakeBackend) -> PasswordHash {
    let key = LoginKey::Email("ann@example.com".parse().unwrap());
    let login = backend.find_login(&key).await.unwrap().unwrap();
    login.password.unwrap()
}

#[tokio::test]
async fn a_foreign_hash_is_replaced_by_the_first_sign_in() {
    let backend = world_with(foreign).await;
    assert!(authenticate(&backend, PASSWORD).await.is_ok());
    assert!(backend.is_current(&stored(&backend).await));
    backend.clear_trace();
    assert!(authenticate(&backend, PASSWORD).await.is_ok());
    assert_eq!(
        backend.trace(),
        [
            "attempts.spend",
            "attempts.spend",
            "users.find_login",
            "users.find",
            "hasher.verify"
        ],
        "nothing is left to do"
    );
}

#[tokio::test]
async fn who_does_not_know_the_password_changes_no_hash() {
    let backend = world_with(foreign).await;
    assert!(authenticate(&backend, "wrong").await.is_err());
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
    let backend = world_with(foreign).await;
    let id = backend.users()[0].id;
    backend.tamper(id, |user| user.active = false);
    assert!(authenticate(&backend, PASSWORD).await.is_err());
    assert_eq!(stored(&backend).await, foreign(&backend));
}

/// Whatever fails: who knows the password gets in now or at the next time, and the hash is the old
/// one or the new one.
#[tokio::test]
async fn no_fault_of_the_upgrade_keeps_anybody_out() {
    let tried = FakeBackend::try_every_fault(async |fault: Fault| {
        let backend = world_with(foreign).await;
        let (answer, fired) = backend
            .with_fault(fault, authenticate(&backend, PASSWORD))
            .await;
        let is_about_the_upgrade = backend.trace().contains(&"hasher.hash");
        if is_about_the_upgrade {
            assert!(answer.is_none_or(|answer| answer.is_ok()), "{fault:?}");
        }
        assert!(authenticate(&backend, PASSWORD).await.is_ok(), "{fault:?}");
        assert!(backend.is_current(&stored(&backend).await), "{fault:?}");
        fired
    })
    .await;
    assert_eq!(tried, 4 * 7, "seven calls, each with four faults");
}

#[tokio::test]
async fn no_failed_call_of_a_sign_in_spends_an_attempt() {
    let mut failed = 0;
    loop {
        let backend = world_with(foreign).await;
        let strategy = PasswordStrategy {
            rate_limiter: backend.sign_in_limiter(1),
            ..strategy(&backend)
        };
        let origin = Origin::system("test");
        let sign_in = || strategy.authenticate(credentials(PASSWORD), &origin);
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
