//! The use case: a user is erased.

use shared::{
    application::user_updates::{Target, UserUpdates},
    domain::Result,
};

/// Erases users.
pub struct DeleteUser {
    /// Changes users.
    pub updates: UserUpdates,
}

/// An erasure.
#[derive(Debug)]
pub struct Command {
    /// The user.
    pub target: Target,
}

impl DeleteUser {
    /// Leaves a tombstone of the user and frees the address, in one transaction. What is kept
    /// elsewhere goes when `UserDeleted` is observed.
    ///
    /// # Errors
    /// `NotFound`, also the second time; `PreconditionFailed`; `LastAdministrator`.
    pub async fn execute(&self, command: Command) -> Result<()> {
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
    use std::sync::Arc;

    use shared::{
        domain::{Error, EventKind, Origin, Refusal, Role, Roles},
        lambda::http::{Access, Request, Response},
    };
    use testing::{
        FakeBackend, Fault, Person,
        fixture::{Answer, Fixture, Route},
        sample::Sample,
    };

    use super::*;
    use crate::handler;

    fn service(backend: &Arc<FakeBackend>) -> DeleteUser {
        DeleteUser {
            updates: UserUpdates {
                users: backend.clone(),
                env: backend.env(),
            },
        }
    }

    fn route() -> Route<DeleteUser, impl AsyncFn(Arc<DeleteUser>, Request) -> Response> {
        Route {
            access: handler::ACCESS,
            service,
            handle: handler::handle,
        }
    }

    async fn delete(fixture: &Fixture, by: &Person, whom: &Person) -> Answer {
        let request = Sample::of_user("DELETE", &whom.id.to_string(), "").bearer(&by.token);
        route().answer(&fixture.backend, request).await.unwrap()
    }

    #[tokio::test]
    async fn the_user_and_administrators_may() {
        let request = |_, id: &str| Sample::of_user("DELETE", id, "");
        let admitted = route().admits(Access::OwnerOrAdmin, 204, request).await;
        admitted.unwrap();
    }

    #[tokio::test]
    async fn an_erased_user_is_gone_and_the_address_free() {
        let fixture = Fixture::new().await.unwrap();
        assert_eq!(
            delete(&fixture, &fixture.ann, &fixture.ann).await.status,
            204
        );
        assert!(fixture.backend.user(fixture.ann.id).is_none());
        let event = fixture.backend.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::UserDeleted);
        assert_eq!(event.user_id, Some(fixture.ann.id));

        let again = delete(&fixture, &fixture.admin, &fixture.ann).await;
        assert_eq!(again.problem(), (404, "not-found"));
        let by_herself = delete(&fixture, &fixture.ann, &fixture.ann).await;
        assert_eq!(by_herself.problem(), (401, "unauthenticated"));
        let newcomer = fixture.backend.sign_up("Ann", Roles::new()).await.unwrap();
        assert_ne!(newcomer.id, fixture.ann.id);
    }

    #[tokio::test]
    async fn a_stale_version_erases_nobody() {
        let fixture = Fixture::new().await.unwrap();
        let request = |tag| {
            let request = Sample::of_user("DELETE", "me", "").header("if-match", tag);
            request.bearer(&fixture.ann.token)
        };
        let refused = route().answer(&fixture.backend, request("\"2\"")).await;
        assert_eq!(refused.unwrap().problem(), (412, "precondition-failed"));
        assert!(fixture.backend.user(fixture.ann.id).is_some());
        let right = route().answer(&fixture.backend, request("\"1\"")).await;
        assert_eq!(right.unwrap().status, 204);
    }

    #[tokio::test]
    async fn the_last_administrator_stays() {
        let fixture = Fixture::new().await.unwrap();
        let refused = delete(&fixture, &fixture.admin, &fixture.admin).await;
        assert_eq!(refused.problem(), (409, "last-administrator"));
        let roles = Roles::from([Role::admin()]);
        fixture.backend.sign_up("Second", roles).await.unwrap();
        assert_eq!(
            delete(&fixture, &fixture.admin, &fixture.admin)
                .await
                .status,
            204
        );
    }

    /// Whatever fails wherever, after a repetition the user is gone with one event.
    #[tokio::test]
    async fn an_erasure_survives_every_fault() {
        let tried = FakeBackend::try_every_fault(async |fault: Fault| {
            let fixture = Fixture::new().await.unwrap();
            let service = service(&fixture.backend);
            let command = || Command {
                target: Target {
                    id: fixture.ann.id,
                    expected: None,
                    origin: Origin::system("test"),
                },
            };
            let (_, fired) = fixture
                .backend
                .with_fault(fault, service.execute(command()))
                .await;
            let again = service.execute(command()).await;
            let gone = matches!(again, Ok(()) | Err(Error::Refused(Refusal::NotFound)));
            assert!(gone, "{fault:?}: {again:?}");
            assert!(fixture.backend.user(fixture.ann.id).is_none(), "{fault:?}");
            assert_eq!(
                fixture.backend.history_of(fixture.ann.id).len(),
                2,
                "{fault:?}"
            );
            fired
        })
        .await;
        assert_eq!(tried, 4 * 2, "find and commit were each made to fail");
    }
}
