//! The use case: a user is erased.

use shared::{
    application::{
        idempotency::{Idempotency, IdempotencyKey},
        ports::Purpose,
        user_updates::{Target, UserUpdates},
    },
    domain::{Refusal, Result},
};

/// Erases users.
pub struct DeleteUser {
    pub updates: UserUpdates,
    /// Executes each request once.
    pub idempotency: Idempotency,
}

/// An erasure.
#[derive(Debug)]
pub struct Command {
    /// The user.
    pub target: Target,
    /// Sent by clients that may repeat the request.
    pub idempotency_key: Option<IdempotencyKey>,
    /// Whether the sender is a caller no longer, and may only learn what came of the first request.
    pub is_former: bool,
}

impl DeleteUser {
    /// Leaves a tombstone of the user and frees the address, in one transaction. What is kept
    /// elsewhere goes when `UserDeleted` is observed.
    ///
    /// # Errors
    /// `NotFound`, also the second time without the same `Idempotency-Key`; `PreconditionFailed`;
    /// `LastAdministrator`; `Unauthenticated` of a former caller, unless the request was carried out.
    pub async fn execute(&self, command: Command) -> Result<()> {
        let Some(key) = &command.idempotency_key else {
            return self.erase(&command).await;
        };
        // A worker that takes over a request learns by this that there was somebody to erase.
        let existed = self.exists(&command).await?;
        let request = (Purpose::Erasure, command.target.origin.actor, key);
        let erase = async |existed| match self.erase(&command).await {
            Err(_) if existed && !self.exists(&command).await? => Ok(()),
            outcome => outcome,
        };
        let record = |outcome: &Result<()>| outcome.is_ok().then_some(true);
        let once = self.idempotency.once(request, existed, erase, record);
        once.await.map(|_| ())
    }

    async fn exists(&self, command: &Command) -> Result<bool> {
        let user = self.updates.users.find(command.target.id).await?;
        Ok(user.is_some())
    }

    async fn erase(&self, command: &Command) -> Result<()> {
        if command.is_former {
            return Err(Refusal::Unauthenticated.into());
        }
        self.updates
            .update(&command.target, |user, metadata| {
                Ok(Some(user.erase(metadata)))
            })
            .await
            .map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        application::idempotency::LEASE,
        domain::{EventKind, Refusal, Roles},
        lambda::http::Access,
    };
    use testing::{Endpoint, Fixture, Principal, TestRequest};

    use super::*;
    use crate::handler;

    fn endpoint() -> Endpoint {
        let request = TestRequest::new("DELETE", "/users/{id}");
        Endpoint::new(handler::ACCESS, handler::handle, |backend| DeleteUser {
            updates: backend.user_updates(),
            idempotency: backend.idempotency(),
        })
        .request(request, 204)
        .sender(Principal::Admin)
        .done_again(&Refusal::NotFound)
    }

    #[tokio::test]
    async fn the_user_and_administrators_may() {
        endpoint().admits(Access::OWNER_OR_ADMIN.recent()).await;
    }

    #[tokio::test]
    async fn a_stale_version_erases_nobody() {
        endpoint().refuses_a_stale_version().await;
    }

    #[tokio::test]
    async fn the_last_administrator_stays() {
        endpoint().keeps_the_last_administrator().await;
    }

    #[tokio::test]
    async fn an_erasure_survives_every_fault() {
        let is_done = async |fixture: &Fixture| fixture.backend.user(fixture.ann.id).is_none();
        let calls = endpoint().survives_every_fault(is_done).await;
        assert_eq!(calls[3..], ["users.find", "users.commit"]);
    }

    fn keyed(key: &str) -> Endpoint {
        let request = TestRequest::new("DELETE", "/users/{id}").header("idempotency-key", key);
        endpoint().request(request, 204)
    }

    /// The answer got lost, and with the user the caller is gone.
    #[tokio::test]
    async fn a_repeated_erasure_is_told_as_done_to_the_sender_alone() {
        for sender in [Principal::Owner, Principal::Admin] {
            let fixture = Fixture::new().await;
            for _ in 0..3 {
                assert_eq!(
                    keyed("key-1").sender(sender).send(&fixture).await.status,
                    204
                );
            }
            let erased = fixture.backend.outbox().into_iter();
            let erased = erased.filter(|event| event.kind == EventKind::UserDeleted);
            assert_eq!(erased.count(), 1);
            for (key, sender, problem) in [
                ("key-2", Principal::Owner, (401, "unauthenticated")),
                ("key-2", Principal::Admin, (404, "not-found")),
                ("key-1", Principal::Other, (403, "forbidden")),
            ] {
                let refused = keyed(key).sender(sender).send(&fixture).await;
                assert_eq!(refused.problem(), problem, "{sender:?} with {key}");
            }
        }
    }

    /// A token that does not count any more opens nothing but the record of the same request.
    #[tokio::test]
    async fn a_void_token_erases_nobody() {
        let fixture = Fixture::new().await;
        fixture
            .backend
            .tamper(fixture.ann.id, |user| user.auth_epoch += 1);
        for _ in 0..2 {
            let refused = keyed("key-1").sender(Principal::Owner).send(&fixture).await;
            assert_eq!(refused.problem(), (401, "unauthenticated"));
        }
        let of_others = TestRequest::new("DELETE", "/users/{id}")
            .header("idempotency-key", "key-1")
            .id(&fixture.admin.id)
            .bearer(&fixture.ann.token);
        let refused = endpoint().answer(&fixture.backend, of_others).await;
        assert_eq!(refused.problem(), (401, "unauthenticated"));
        assert_eq!(fixture.backend.users().len(), 3);
    }

    /// The worker that erased the user may die before it says so.
    #[tokio::test]
    async fn a_repeated_erasure_survives_every_fault() {
        for sender in [Principal::Owner, Principal::Admin] {
            let is_done = async |fixture: &Fixture| fixture.backend.user(fixture.ann.id).is_none();
            let request =
                TestRequest::new("DELETE", "/users/{id}").header("idempotency-key", "key-1");
            let endpoint = Endpoint::new(handler::ACCESS, handler::handle, |backend| DeleteUser {
                updates: backend.user_updates(),
                idempotency: backend.idempotency(),
            });
            let endpoint = endpoint.request(request, 204).sender(sender).pause(LEASE);
            endpoint.survives_every_fault(is_done).await;
        }
    }

    #[tokio::test]
    async fn an_erased_user_is_gone_and_the_address_free() {
        let fixture = Fixture::new().await;
        let by_herself = endpoint().sender(Principal::Owner);
        assert_eq!(by_herself.send(&fixture).await.status, 204);
        assert!(fixture.backend.user(fixture.ann.id).is_none());
        let event = fixture.backend.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::UserDeleted);
        assert_eq!(event.user_id, Some(fixture.ann.id));

        let again = endpoint().send(&fixture).await;
        assert_eq!(again.problem(), (404, "not-found"));
        let again = by_herself.send(&fixture).await;
        assert_eq!(again.problem(), (401, "unauthenticated"));
        let newcomer = fixture.backend.sign_up("Ann", Roles::new()).await;
        assert_ne!(newcomer.id, fixture.ann.id);
    }
}
