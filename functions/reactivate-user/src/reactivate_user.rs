//! The use case: a user may sign in again.

use shared::{
    application::user_updates::{Target, UserUpdates},
    domain::{Result, User},
};

/// Reactivates users.
pub struct ReactivateUser {
    /// Changes users.
    pub updates: UserUpdates,
}

/// Which user.
#[derive(Debug)]
pub struct Command {
    /// The user.
    pub target: Target,
}

impl ReactivateUser {
    /// Gives the user as it is then.
    ///
    /// # Errors
    /// `NotFound`, `PreconditionFailed`, `AlreadyActive`.
    pub async fn execute(&self, command: Command) -> Result<User> {
        self.updates
            .update(&command.target, |user, metadata| {
                user.reactivate(metadata).map(Some)
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

    fn service(backend: &Arc<FakeBackend>) -> ReactivateUser {
        ReactivateUser {
            updates: UserUpdates {
                users: backend.clone(),
                env: backend.env(),
            },
        }
    }

    fn route() -> Route<ReactivateUser, impl AsyncFn(Arc<ReactivateUser>, Request) -> Response> {
        Route {
            access: handler::ACCESS,
            service,
            handle: handler::handle,
        }
    }

    async fn reactivate(fixture: &Fixture, whom: &Person) -> Answer {
        let request = Sample::of_user("POST", &whom.id.to_string(), "/reactivate");
        let request = request.bearer(&fixture.admin.token);
        route().answer(&fixture.backend, request).await.unwrap()
    }

    /// A world in which Ann is inactive.
    async fn ann_inactive() -> Fixture {
        let fixture = Fixture::new().await.unwrap();
        let env = fixture.backend.env();
        let metadata = env.metadata(Origin::system("test")).unwrap();
        let ann = fixture.backend.user(fixture.ann.id).unwrap();
        let change = ann.deactivate(&metadata).unwrap();
        let users = service(&fixture.backend).updates.users;
        users.commit(&change).await.unwrap();
        fixture
    }

    /// Whom the table lets in finds that Ann is active already.
    #[tokio::test]
    async fn administrators_may() {
        let request = |_, id: &str| Sample::of_user("POST", id, "/reactivate");
        let admitted = route().admits(Access::Admin, 409, request).await;
        admitted.unwrap();
    }

    #[tokio::test]
    async fn a_reactivated_user_may_sign_in_but_old_sessions_stay_dead() {
        let fixture = ann_inactive().await;
        let answer = reactivate(&fixture, &fixture.ann).await;
        assert_eq!((answer.status, answer.header("etag")), (200, Some("\"3\"")));
        assert_eq!(answer.body["active"], true);
        let event = fixture.backend.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::UserReactivated);
        let session = fixture.backend.sessions_of(fixture.ann.id).remove(0);
        let user = fixture.backend.user(fixture.ann.id).unwrap();
        assert!(user.auth_epoch > session.auth_epoch);

        let again = reactivate(&fixture, &fixture.ann).await;
        assert_eq!(again.problem(), (409, "already-active"));
        assert_eq!(fixture.backend.user(fixture.ann.id), Some(user));
    }

    #[tokio::test]
    async fn a_stale_version_changes_nothing() {
        let fixture = ann_inactive().await;
        let request = Sample::of_user("POST", &fixture.ann.id.to_string(), "/reactivate")
            .header("if-match", "\"1\"")
            .bearer(&fixture.admin.token);
        let answer = route().answer(&fixture.backend, request).await.unwrap();
        assert_eq!(answer.problem(), (412, "precondition-failed"));
        assert!(!fixture.backend.user(fixture.ann.id).unwrap().active);
    }

    /// Whatever fails wherever, after a repetition the user is active, by one event.
    #[tokio::test]
    async fn a_reactivation_survives_every_fault() {
        let tried = FakeBackend::try_every_fault(async |fault: Fault| {
            let fixture = ann_inactive().await;
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
            let done = matches!(again, Ok(_) | Err(Error::Refused(Refusal::AlreadyActive)));
            assert!(done, "{fault:?}: {again:?}");
            assert!(
                fixture.backend.user(fixture.ann.id).unwrap().active,
                "{fault:?}"
            );
            assert_eq!(
                fixture.backend.history_of(fixture.ann.id).len(),
                3,
                "{fault:?}"
            );
            fired
        })
        .await;
        assert_eq!(tried, 4 * 2, "find and commit were each made to fail");
    }
}
