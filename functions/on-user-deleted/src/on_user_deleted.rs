//! The use case: what is held on an erased user beside the user itself is forgotten.

use std::sync::Arc;

use shared::{
    application::ports::{Attempts, SessionRepository, UserRepository},
    domain::{DomainEvent, Error, EventKind, Result},
};

/// Forgets users.
pub struct OnUserDeleted {
    /// Where users and their histories are kept.
    pub users: Arc<dyn UserRepository>,
    /// Where sessions and one-time tokens are kept.
    pub sessions: Arc<dyn SessionRepository>,
    /// Where locks are kept.
    pub attempts: Arc<dyn Attempts>,
}

impl OnUserDeleted {
    /// Removes the private part of the user's history, the sessions, the one-time tokens and the locks. The
    /// same however often the event comes.
    ///
    /// # Errors
    /// If the user is still there: an erasure cannot be taken back, so an event alone is not believed.
    pub async fn execute(&self, event: &DomainEvent) -> Result<()> {
        let Some(id) = event
            .user_id
            .filter(|_| event.kind == EventKind::UserDeleted)
        else {
            return Ok(());
        };
        if self.users.find(id).await?.is_some() {
            return Err(Error::internal(format!(
                "event {} tells of an erasure, yet the user is there",
                event.id
            )));
        }
        self.users.forget_private(id).await?;
        self.sessions.forget(id).await?;
        self.attempts.forget_locks(id).await
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        application::ports::{Lock, OneTimeTokens},
        domain::{
            OneTimeToken, TokenPurpose, User,
            attempt::{AttemptKey, Scope, sign_in_locked},
            audit::Trace,
            token::TokenBinding,
        },
    };
    use testing::{FakeBackend, Fault, Fixture};

    use super::*;

    fn service(backend: &Arc<FakeBackend>) -> OnUserDeleted {
        OnUserDeleted {
            users: backend.clone(),
            sessions: backend.clone(),
            attempts: backend.clone(),
        }
    }

    /// A fixture without Ann, who had a one-time token, and the event of her erasure.
    async fn ann_erased() -> (Fixture, DomainEvent) {
        let fixture = Fixture::new().await;
        let (ann, backend) = (fixture.ann(), &fixture.backend);
        let token = OneTimeToken::new(TokenPurpose::PasswordReset, ann.id, [1; 32]);
        let issue = token.issue(
            &TokenBinding::of(&ann, token.purpose).unwrap(),
            backend.metadata().now,
        );
        let issued = OneTimeTokens::issue(backend.as_ref(), &issue, issue.issued_at).await;
        assert!(issued.unwrap());
        for user in [ann.id, fixture.bob.id] {
            let lock = Lock {
                event: sign_in_locked(Some(user), &backend.metadata()),
                from: Trace::default(),
            };
            let key = AttemptKey::of_user(Scope::Device, user);
            let announced = backend.announce(&key, lock.event.time, &lock);
            announced.await.unwrap();
        }
        let erase = |ann: &User, metadata: &_| Ok(ann.erase(metadata));
        backend.change(ann.id, erase).await;
        let event = backend.outbox().pop().unwrap();
        (fixture, event)
    }

    fn assert_forgotten(fixture: &Fixture, what: &str) {
        let history = fixture.backend.history_of(fixture.ann.id);
        assert_eq!(history.len(), 2, "{what}: the history stays");
        assert!(
            history
                .iter()
                .all(|entry| entry.private.is_none() && entry.is_intact()),
            "{what}: {history:?}"
        );
        assert_eq!(history[1].previous, history[0].hash);
        assert!(!fixture.backend.has_locks(fixture.ann.id), "{what}");
        assert!(fixture.backend.has_locks(fixture.bob.id), "{what}");
        assert!(
            fixture.backend.sessions_of(fixture.ann.id).is_empty(),
            "{what}"
        );
        // The others keep what is theirs.
        assert_eq!(fixture.backend.sessions_of(fixture.bob.id).len(), 1);
        assert!(
            fixture.backend.history_of(fixture.bob.id)[0]
                .private
                .is_some()
        );
    }

    #[tokio::test]
    async fn of_an_erased_user_only_the_hashes_stay() {
        let (fixture, event) = ann_erased().await;
        assert_eq!(fixture.backend.sessions_of(fixture.ann.id).len(), 1);
        let service = service(&fixture.backend);
        service.execute(&event).await.unwrap();
        assert_forgotten(&fixture, "once");
        service.execute(&event).await.unwrap();
        assert_forgotten(&fixture, "twice");
    }

    #[tokio::test]
    async fn a_user_who_is_there_is_not_forgotten() {
        let (fixture, event) = ann_erased().await;
        let service = service(&fixture.backend);
        let of_bob = DomainEvent {
            user_id: Some(fixture.bob.id),
            ..event.clone()
        };
        assert!(service.execute(&of_bob).await.is_err());
        let other = DomainEvent {
            kind: EventKind::UserUpdated,
            ..event
        };
        service.execute(&other).await.unwrap();
        assert_eq!(fixture.backend.sessions_of(fixture.bob.id).len(), 1);
        assert_eq!(fixture.backend.sessions_of(fixture.ann.id).len(), 1);
        assert!(
            fixture.backend.history_of(fixture.bob.id)[0]
                .private
                .is_some()
        );
    }

    /// The next delivery of the event finishes the work.
    #[tokio::test]
    async fn forgetting_survives_every_fault() {
        let tried = FakeBackend::try_every_fault(async |fault: Fault| {
            let (fixture, event) = ann_erased().await;
            let service = service(&fixture.backend);
            let (_, fired) = fixture
                .backend
                .with_fault(fault, service.execute(&event))
                .await;
            service.execute(&event).await.unwrap();
            assert_forgotten(&fixture, &format!("{fault:?}"));
            fired
        })
        .await;
        assert_eq!(
            tried,
            4 * 4,
            "find and the three forgets were each made to fail"
        );
    }
}
