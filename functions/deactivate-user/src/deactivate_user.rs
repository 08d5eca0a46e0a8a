//! The use case: a user may no longer sign in.

use shared::{
    application::user_updates::{Changing, Target},
    domain::{Result, User},
};

/// Deactivates users.
pub struct DeactivateUser {
    /// Changes users.
    pub changing: Changing,
}

/// Who it is about.
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
        self.changing
            .change_target(&command.target, |user, occasion| {
                user.deactivate(occasion).map(Some)
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use shared::{
        domain::{Error, EventKind, Origin, Refusal},
        lambda::http::{Access, Call, Reply},
    };
    use testing::{
        Fault, Person, World,
        fixture::{Answer, Route, Stage},
        sample::Sample,
    };

    use super::*;
    use crate::handler;

    fn service(world: &Arc<World>) -> DeactivateUser {
        DeactivateUser {
            changing: Changing {
                users: world.clone(),
                circumstances: world.circumstances(),
            },
        }
    }

    fn route() -> Route<DeactivateUser, impl AsyncFn(Arc<DeactivateUser>, Call) -> Reply> {
        Route {
            access: handler::ACCESS,
            service,
            handle: handler::handle,
        }
    }

    async fn deactivate(stage: &Stage, whom: &Person) -> Answer {
        let request = Sample::of_user("POST", &whom.id.to_string(), "/deactivate");
        let request = request.bearer(&stage.admin.token);
        route().answer(&stage.world, request).await.unwrap()
    }

    #[tokio::test]
    async fn administrators_may() {
        let request = |_, id: &str| Sample::of_user("POST", id, "/deactivate");
        let admitted = route().admits(Access::Admin, 200, request).await;
        admitted.unwrap();
    }

    #[tokio::test]
    async fn a_deactivated_user_is_shut_out_at_once() {
        let stage = Stage::set().await.unwrap();
        let answer = deactivate(&stage, &stage.ann).await;
        assert_eq!((answer.status, answer.header("etag")), (200, Some("\"2\"")));
        assert_eq!(answer.body["active"], false);
        let event = stage.world.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::UserDeactivated);
        let session = stage.world.sessions_of(stage.ann.id).remove(0);
        let user = stage.world.user(stage.ann.id).unwrap();
        assert!(user.auth_epoch > session.auth_epoch, "the session ended");

        let again = deactivate(&stage, &stage.ann).await;
        assert_eq!(again.problem(), (409, "already-deactivated"));
        assert_eq!(stage.world.user(stage.ann.id), Some(user));
    }

    #[tokio::test]
    async fn the_last_administrator_stays() {
        let stage = Stage::set().await.unwrap();
        let refused = deactivate(&stage, &stage.admin).await;
        assert_eq!(refused.problem(), (409, "last-administrator"));
    }

    #[tokio::test]
    async fn a_stale_version_changes_nothing() {
        let stage = Stage::set().await.unwrap();
        let request = Sample::of_user("POST", &stage.ann.id.to_string(), "/deactivate")
            .header("if-match", "\"2\"")
            .bearer(&stage.admin.token);
        let answer = route().answer(&stage.world, request).await.unwrap();
        assert_eq!(answer.problem(), (412, "precondition-failed"));
        assert!(stage.world.user(stage.ann.id).unwrap().active);
    }

    /// Whatever fails wherever, after a repetition the user is inactive, by one event.
    #[tokio::test]
    async fn a_deactivation_survives_every_fault() {
        let tried = World::try_every_fault(async |fault: Fault| {
            let stage = Stage::set().await.unwrap();
            let service = service(&stage.world);
            let command = || Command {
                target: Target {
                    id: stage.ann.id,
                    expected: None,
                    origin: Origin::system("test"),
                },
            };
            let (_, fired) = stage
                .world
                .with_fault(fault, service.execute(command()))
                .await;
            let again = service.execute(command()).await;
            let done = matches!(
                again,
                Ok(_) | Err(Error::Refused(Refusal::AlreadyDeactivated))
            );
            assert!(done, "{fault:?}: {again:?}");
            assert!(!stage.world.user(stage.ann.id).unwrap().active, "{fault:?}");
            assert_eq!(stage.world.history_of(stage.ann.id).len(), 2, "{fault:?}");
            fired
        })
        .await;
        assert_eq!(tried, 4 * 2, "find and commit were each made to fail");
    }
}
