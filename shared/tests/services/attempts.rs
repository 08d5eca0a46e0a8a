//! What becomes of an attempt that nobody could judge.

use std::{sync::Arc, time::Duration};

use application::{
    ports::PasswordHasher, rate_limit::SignInLimiter, reauthentication::Reauthentication,
};
use domain::{
    Error, Origin, Password, Refusal, Result, Roles, SessionId, User, device::Device,
    event::EventMetadata,
};
use testing::{FakeBackend, Fault, PASSWORD, SIGN_INS};

fn origin() -> Origin {
    Origin::system("test")
}

/// Whether a guess at Ann's password is left, which this spends.
async fn is_left(limiter: &SignInLimiter) -> bool {
    let email = "ann@example.com".parse().unwrap();
    let no_login = async { Ok(None) };
    match limiter
        .acquire_guess(&email, None, &origin(), no_login)
        .await
    {
        Ok(_) => true,
        Err(Error::Refused(Refusal::TooManyRequests(_))) => false,
        Err(error) => panic!("{error}"),
    }
}

/// Spends a guess at Ann's password of which this comes.
async fn guess(limiter: &SignInLimiter, outcome: Result<()>) {
    let email = "ann@example.com".parse().unwrap();
    let no_login = async { Ok(None) };
    let acquired = limiter
        .acquire_guess(&email, None, &origin(), no_login)
        .await;
    let (permit, _) = acquired.unwrap();
    drop(permit.hold(async { outcome }).await);
}

#[tokio::test]
async fn only_a_decision_keeps_an_attempt_spent() {
    let wait = Duration::from_secs(1);
    for (refusal, is_spent) in [
        (Refusal::InvalidCredentials, true),
        (Refusal::EmailTaken, true),
        (Refusal::Unavailable(wait), false),
        (Refusal::ProviderUnavailable(wait), false),
        (Refusal::VersionConflict, false),
    ] {
        let limiter = FakeBackend::new().sign_in_limiter(1);
        guess(&limiter, Err(refusal.clone().into())).await;
        assert_eq!(is_left(&limiter).await, !is_spent, "{refusal:?}");
    }
    let limiter = FakeBackend::new().sign_in_limiter(1);
    guess(&limiter, Err(Error::internal("no table"))).await;
    assert!(is_left(&limiter).await);
}

#[tokio::test]
async fn an_attempt_is_refunded_if_the_login_cannot_be_read() {
    let limiter = FakeBackend::new().sign_in_limiter(1);
    let email = "ann@example.com".parse().unwrap();
    let unavailable = async { Err(Refusal::Unavailable(Duration::ZERO).into()) };
    let acquired = limiter
        .acquire_guess(&email, None, &origin(), unavailable)
        .await;
    assert!(acquired.is_err());
    assert!(is_left(&limiter).await);
}

struct Ann {
    user: User,
    session_id: SessionId,
    reauthentication: Reauthentication,
}

impl Ann {
    /// With one guess at her password.
    async fn new(backend: &Arc<FakeBackend>) -> Self {
        let ann = backend.sign_up("Ann", Roles::new()).await;
        Self {
            user: backend.user(ann.id).unwrap(),
            session_id: ann.session_id,
            reauthentication: Reauthentication {
                users: backend.clone(),
                hasher: backend.clone(),
                rate_limiter: backend.sign_in_limiter(1),
            },
        }
    }

    async fn verify(&self, password: &str) -> Result<()> {
        let (password, origin) = (Password::presented(password), origin());
        let device = Device::of_session(self.user.id, self.session_id);
        self.reauthentication
            .verify(&self.user, Some(device), &password, &origin)
            .await
    }
}

#[tokio::test]
async fn no_failed_call_of_a_reauthentication_spends_an_attempt() {
    let mut failed = 0;
    loop {
        let backend = FakeBackend::new();
        let ann = Ann::new(&backend).await;
        let fault = Fault::Fail(failed);
        let (outcome, _) = backend.with_fault(fault, ann.verify(PASSWORD)).await;
        if outcome.unwrap().is_ok() {
            break;
        }
        assert!(ann.verify(PASSWORD).await.is_ok(), "{fault:?}");
        failed += 1;
    }
    assert_eq!(failed, 4, "two counts, the login and the hash");
}

#[tokio::test]
async fn a_wrong_password_at_reauthentication_spends_an_attempt() {
    let ann = Ann::new(&FakeBackend::new()).await;
    assert!(matches!(
        ann.verify("wrong").await,
        Err(Error::Refused(Refusal::InvalidCredentials))
    ));
    assert!(matches!(
        ann.verify(PASSWORD).await,
        Err(Error::Refused(Refusal::TooManyRequests(_)))
    ));
}

/// Each costs a hash, and what it opens may cost more. Nothing is hashed beyond the limit.
#[tokio::test]
async fn right_passwords_have_a_limit_too() {
    let backend = FakeBackend::new();
    let ann = Ann::new(&backend).await;
    for _ in 0..SIGN_INS {
        assert!(ann.verify(PASSWORD).await.is_ok());
    }
    backend.clear_trace();
    for _ in 0..3 {
        assert!(matches!(
            ann.verify(PASSWORD).await,
            Err(Error::Refused(Refusal::TooManyRequests(_)))
        ));
    }
    assert!(!backend.trace().contains(&"hasher.verify"));
    backend.advance(Duration::from_hours(1));
    assert!(ann.verify(PASSWORD).await.is_ok());
}

/// A stranger who uses up the guesses at an address does not use up those of a session.
#[tokio::test]
async fn a_lock_of_strangers_leaves_a_session_its_guesses() {
    let backend = FakeBackend::new();
    let ann = Ann::new(&backend).await;
    let limiter = backend.sign_in_limiter(1);
    guess(&limiter, Err(Refusal::InvalidCredentials.into())).await;
    assert!(!is_left(&limiter).await);
    assert!(ann.verify(PASSWORD).await.is_ok());
    assert!(ann.verify("wrong").await.is_err());
    assert!(
        ann.verify(PASSWORD).await.is_err(),
        "each is lockable alone"
    );
}

/// The user was read before the password changed, its login after.
#[tokio::test]
async fn a_password_that_changes_meanwhile_proves_nothing() {
    let backend = FakeBackend::new();
    let ann = Ann::new(&backend).await;
    let hasher: &dyn PasswordHasher = backend.as_ref();
    let new = hasher.hash(&Password::presented("new")).await.unwrap();
    let change = |user: &User, metadata: &EventMetadata| Ok(user.change_password(new, metadata));
    backend.change(ann.user.id, change).await;
    for password in ["new", PASSWORD] {
        let refused = ann.verify(password).await;
        let conflict = matches!(refused, Err(Error::Refused(Refusal::VersionConflict)));
        assert!(conflict, "{refused:?}");
    }
}
