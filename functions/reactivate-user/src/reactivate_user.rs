//! The use case: a user may sign in again.

use shared::{
    application::user_updates::{Changing, Target},
    domain::{Result, User},
};

/// Reactivates users.
pub struct ReactivateUser {
    /// Changes users.
    pub changing: Changing,
}

/// Who it is about.
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
        self.changing
            .change_target(&command.target, |user, occasion| {
                user.reactivate(occasion).map(Some)
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

    fn service(world: &Arc<World>) -> ReactivateUser {
        ReactivateUser {
            changing: Changing {
                users: world.clone(),
                circumstances: world.circumstances(),
            },
        }
    }

    fn route() -> Route<ReactivateUser, impl AsyncFn(Arc<ReactivateUser>, Call) -> Reply> {
        Route {
            access: handler::ACCESS,
            service,
            handle: handler::handle,
        }
    }

    async fn reactivate(stage: &Stage, whom: &Person) -> Answer {
        let request = Sample::of_user("POST", &whom.id.to_string(), "/reactivate");
        let request = request.bearer(&stage.admin.token);
        route().answer(&stage.world, request).await.unwrap()
    }

    /// A world in which Ann is inactive.
    async fn ann_inactive() -> Stage {
        let stage = Stage::set().await.unwrap();
        let circumstances = stage.world.circumstances();
        let occasion = circumstances.occasion(Origin::system("test")).unwrap();
        let ann = stage.world.user(stage.ann.id).unwrap();
        let change = ann.deactivate(&occasion).unwrap();
        let users = service(&stage.world).changing.users;
        users.commit(&change).await.unwrap();
        stage
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
        let stage = ann_inactive().await;
        let answer = reactivate(&stage, &stage.ann).await;
        assert_eq!((answer.status, answer.header("etag")), (200, Some("\"3\"")));
        assert_eq!(answer.body["active"], true);
        let event = stage.world.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::UserReactivated);
        let session = stage.world.sessions_of(stage.ann.id).remove(0);
        let user = stage.world.user(stage.ann.id).unwrap();
        assert!(user.auth_epoch > session.auth_epoch);

        let again = reactivate(&stage, &stage.ann).await;
        assert_eq!(again.problem(), (409, "already-active"));
        assert_eq!(stage.world.user(stage.ann.id), Some(user));
    }

    #[tokio::test]
    async fn a_stale_version_changes_nothing() {
        let stage = ann_inactive().await;
        let request = Sample::of_user("POST", &stage.ann.id.to_string(), "/reactivate")
            .header("if-match", "\"1\"")
            .bearer(&stage.admin.token);
        let answer = route().answer(&stage.world, request).await.unwrap();
        assert_eq!(answer.problem(), (412, "precondition-failed"));
        assert!(!stage.world.user(stage.ann.id).unwrap().active);
    }

    /// Whatever fails wherever, after a repetition the user is active, by one event.
    #[tokio::test]
    async fn a_reactivation_survives_every_fault() {
        let tried = World::try_every_fault(async |fault: Fault| {
            let stage = ann_inactive().await;
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
            let done = matches!(again, Ok(_) | Err(Error::Refused(Refusal::AlreadyActive)));
            assert!(done, "{fault:?}: {again:?}");
            assert!(stage.world.user(stage.ann.id).unwrap().active, "{fault:?}");
            assert_eq!(stage.world.history_of(stage.ann.id).len(), 3, "{fault:?}");
            fired
        })
        .await;
        assert_eq!(tried, 4 * 2, "find and commit were each made to fail");
    }
}
