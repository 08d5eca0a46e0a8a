//! The use case: a user may no longer sign in.

use shared::{
    application::user_updates::{Target, UserUpdates},
    domain::{Result, User},
};

/// Deactivates users.
pub struct DeactivateUser {
    /// Changes users.
    pub updates: UserUpdates,
}

/// Which user.
#[derive(Debug)]
pub struct Command {
    /// The user.
    pub target: Target,
}

impl DeactivateUser {
    /// Gives the user as it is then.
    ///
    /// # Errors
    /// `NotFound`, `PreconditionFailed`, `AlreadyDeactivated`, `LastAdministrator`.
    pub async fn execute(&self, command: Command) -> Result<User> {
        self.updates
            .update(&command.target, |user, metadata| {
                user.deactivate(metadata).map(Some)
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use shared::{
        domain::{Error, EventKind, Origin, Refusal},
        lambda::http::{Access, Request, Response},
    };
    use testing::{
        FakeBackend, Fault, Person,
        fixture::{Answer, Fixture, Route},
        sample::Sample,
    };

    use super::*;
    use crate::handler;

    fn service(backend: &Arc<FakeBackend>) -> DeactivateUser {
        DeactivateUser {
            updates: UserUpdates {
                users: backend.clone(),
                env: backend.env(),
            },
        }
    }

    fn route() -> Route<DeactivateUser, impl AsyncFn(Arc<DeactivateUser>, Request) -> Response> {
        Route {
            access: handler::ACCESS,
            service,
            handle: handler::handle,
        }
    }

    async fn deactivate(fixture: &Fixture, whom: &Person) -> Answer {
        let request = Sample::of_user("POST", &whom.id.to_string(), "/deactivate");
        let request = request.bearer(&fixture.admin.token);
        route().answer(&fixture.backend, request).await.unwrap()
    }

    #[tokio::test]
    async fn administrators_may() {
        let request = |_, id: &str| Sample::of_user("POST", id, "/deactivate");
        let admitted = route().admits(Access::Admin, 200, request).await;
        admitted.unwrap();
    }

    #[tokio::test]
    async fn a_deactivated_user_is_shut_out_at_once() {
        let fixture = Fixture::new().await.unwrap();
        let answer = deactivate(&fixture, &fixture.ann).await;
        assert_eq!((answer.status, answer.header("etag")), (200, Some("\"2\"")));
        assert_eq!(answer.body["active"], false);
        let event = fixture.backend.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::UserDeactivated);
        let session = fixture.backend.sessions_of(fixture.ann.id).remove(0);
        let user = fixture.backend.user(fixture.ann.id).unwrap();
        assert!(user.auth_epoch > session.auth_epoch, "the session ended");

        let again = deactivate(&fixture, &fixture.ann).await;
        assert_eq!(again.problem(), (409, "already-deactivated"));
        assert_eq!(fixture.backend.user(fixture.ann.id), Some(user));
    }

    #[tokio::test]
    async fn the_last_administrator_stays() {
        let fixture = Fixture::new().await.unwrap();
        let refused = deactivate(&fixture, &fixture.admin).await;
        assert_eq!(refused.problem(), (409, "last-administrator"));
    }

    #[tokio::test]
    async fn a_stale_version_changes_nothing() {
        let fixture = Fixture::new().await.unwrap();
        let request = Sample::of_user("POST", &fixture.ann.id.to_string(), "/deactivate")
            .header("if-match", "\"2\"")
            .bearer(&fixture.admin.token);
        let answer = route().answer(&fixture.backend, request).await.unwrap();
        assert_eq!(answer.problem(), (412, "precondition-failed"));
        assert!(fixture.backend.user(fixture.ann.id).unwrap().active);
    }

    /// Whatever fails wherever, after a repetition the user is inactive, by one event.
    #[tokio::test]
    async fn a_deactivation_survives_every_fault() {
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
            let done = matches!(
                again,
                Ok(_) | Err(Error::Refused(Refusal::AlreadyDeactivated))
            );
            assert!(done, "{fault:?}: {again:?}");
            assert!(
                !fixture.backend.user(fixture.ann.id).unwrap().active,
                "{fault:?}"
            );
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
