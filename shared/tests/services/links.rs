//! One link while it is good, however many ask for it at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use application::{
    mail::Links,
    ports::{OneTimeTokens, SecretPurpose},
};
use async_trait::async_trait;
use domain::{
    DomainEvent, OneTimeToken, RequestId, Result, Timestamp, TokenPurpose, UserId,
    request::{AnonymousRequest, RequestKind},
    token::{StoredToken, TokenBinding, TokenIssue, TokenUse},
};
use secrecy::ExposeSecret as _;
use testing::FakeBackend;
use tokio::sync::Barrier;

/// Slots which two observers have looked at before either fills one.
struct Racing {
    backend: Arc<FakeBackend>,
    looks: AtomicUsize,
    both: Barrier,
}

#[async_trait]
impl OneTimeTokens for Racing {
    async fn issue(&self, token: &TokenIssue, now: Timestamp) -> Result<bool> {
        OneTimeTokens::issue(self.backend.as_ref(), token, now).await
    }

    async fn find_good(
        &self,
        user: UserId,
        purpose: TokenPurpose,
        now: Timestamp,
    ) -> Result<Option<StoredToken>> {
        let found = self.backend.find_good(user, purpose, now).await;
        if self.looks.fetch_add(1, Ordering::SeqCst) < 2 {
            self.both.wait().await;
        }
        found
    }

    async fn is_good(&self, token: &TokenUse) -> Result<bool> {
        self.backend.is_good(token).await
    }

    async fn is_used(&self, token: &OneTimeToken, now: Timestamp) -> Result<bool> {
        self.backend.is_used(token, now).await
    }
}

/// Somebody asks for a reset, a second after the last one.
fn event(backend: &Arc<FakeBackend>) -> DomainEvent {
    backend.advance(Duration::from_secs(1));
    let metadata = backend.metadata();
    let id = RequestId::new(metadata.now, [1; 10]);
    let email = "ann@example.com".parse().unwrap();
    AnonymousRequest::new(id, email, RequestKind::PasswordReset, &metadata).1
}

/// Whichever of them writes first: neither mails a link which the other voids.
#[tokio::test]
async fn of_two_observers_that_issue_a_link_at_once_both_mail_the_same() {
    for is_reversed in [false, true] {
        let backend = FakeBackend::new();
        let ann = backend.add_user("ann@example.com").await;
        let purpose = TokenPurpose::PasswordReset;
        let binding = TokenBinding::of(&ann, purpose).unwrap();
        let links = Links {
            tokens: Arc::new(Racing {
                backend: backend.clone(),
                looks: AtomicUsize::new(0),
                both: Barrier::new(2),
            }),
            secret: backend.shared_secret(SecretPurpose::OneTimeToken),
            clock: backend.clone(),
        };
        let mut events = [event(&backend), event(&backend)];
        if is_reversed {
            events.reverse();
        }
        let [first, second] = events;
        let issue = async |event| {
            let due = links.due(purpose, ann.id, &binding, event).await?;
            links.put(due.unwrap()).await
        };
        let (first, second) = tokio::join!(issue(&first), issue(&second));
        let (first, second) = (first.unwrap().unwrap(), second.unwrap().unwrap());
        let text = |token: &OneTimeToken| token.encode().expose_secret().to_owned();
        assert_eq!(text(&first), text(&second));
        let redemption = backend.redemption();
        assert!(redemption.check(&first).await.is_ok());
    }
}
