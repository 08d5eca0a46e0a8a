//! The use case: what is held on an erased user beside the user itself is forgotten.

use std::sync::Arc;

use shared::{
    application::ports::{SessionRepository, UserRepository},
    domain::{DomainEvent, Error, EventKind, Result},
};

/// Forgets users.
pub struct OnUserDeleted {
    /// Where users and their histories are kept.
    pub users: Arc<dyn UserRepository>,
    /// Where sessions and one-time tokens are kept.
    pub sessions: Arc<dyn SessionRepository>,
}

impl OnUserDeleted {
    /// Removes the private part of the user's history, the sessions and the one-time tokens. The same
    /// however often the event comes.
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
        self.sessions.forget(id).await
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        application::ports::OneTimeTokens as _,
        domain::{OneTimeToken, Origin, TokenPurpose},
    };
    use testing::{Fault, World, fixture::Stage};

    use super::*;

    fn service(world: &Arc<World>) -> OnUserDeleted {
        OnUserDeleted {
            users: world.clone(),
            sessions: world.clone(),
        }
    }

    /// A world from which Ann was erased.
    async fn ann_erased() -> (Stage, DomainEvent) {
        let stage = Stage::set().await.unwrap();
        let ann = stage.world.user(stage.ann.id).unwrap();
        let circumstances = stage.world.circumstances();
        let occasion = circumstances.occasion(Origin::system("test")).unwrap();
        let token = OneTimeToken::new(TokenPurpose::PasswordReset, ann.id, [1; 32]);
        stage
            .world
            .issue(&token.issue(&ann.email, occasion.now))
            .await
            .unwrap();
        stage.world.commit(&ann.erase(&occasion)).await.unwrap();
        let event = stage.world.outbox().pop().unwrap();
        (stage, event)
    }

    fn assert_forgotten(stage: &Stage, what: &str) {
        let history = stage.world.history_of(stage.ann.id);
        assert_eq!(history.len(), 2, "{what}: the history stays");
        assert!(
            history
                .iter()
                .all(|entry| entry.private.is_none() && entry.is_intact()),
            "{what}: {history:?}"
        );
        assert_eq!(history[1].previous, history[0].hash);
        assert!(stage.world.sessions_of(stage.ann.id).is_empty(), "{what}");
        // The others keep what is theirs.
        assert_eq!(stage.world.sessions_of(stage.bob.id).len(), 1);
        assert!(stage.world.history_of(stage.bob.id)[0].private.is_some());
    }

    #[tokio::test]
    async fn of_an_erased_user_only_the_chain_stays() {
        let (stage, event) = ann_erased().await;
        assert_eq!(stage.world.sessions_of(stage.ann.id).len(), 1);
        let service = service(&stage.world);
        service.execute(&event).await.unwrap();
        assert_forgotten(&stage, "once");
        service.execute(&event).await.unwrap();
        assert_forgotten(&stage, "twice");
    }

    #[tokio::test]
    async fn a_user_who_is_there_is_not_forgotten() {
        let (stage, event) = ann_erased().await;
        let service = service(&stage.world);
        let of_bob = DomainEvent {
            user_id: Some(stage.bob.id),
            ..event.clone()
        };
        assert!(service.execute(&of_bob).await.is_err());
        let other = DomainEvent {
            kind: EventKind::UserUpdated,
            ..event
        };
        service.execute(&other).await.unwrap();
        assert_eq!(stage.world.sessions_of(stage.bob.id).len(), 1);
        assert_eq!(stage.world.sessions_of(stage.ann.id).len(), 1);
        assert!(stage.world.history_of(stage.bob.id)[0].private.is_some());
    }

    /// Whatever fails wherever, the next delivery of the event finishes the work.
    #[tokio::test]
    async fn forgetting_survives_every_fault() {
        let tried = World::try_every_fault(async |fault: Fault| {
            let (stage, event) = ann_erased().await;
            let service = service(&stage.world);
            let (_, fired) = stage.world.with_fault(fault, service.execute(&event)).await;
            service.execute(&event).await.unwrap();
            assert_forgotten(&stage, &format!("{fault:?}"));
            fired
        })
        .await;
        assert_eq!(tried, 4 * 3, "find and both forgets were each made to fail");
    }
}
