//! The use case: a user is erased.

use shared::{
    application::user_updates::{Changing, Target},
    domain::Result,
};

/// Erases users.
pub struct DeleteUser {
    /// Changes users.
    pub changing: Changing,
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
        self.changing
            .change_target(&command.target, |user, occasion| {
                Ok(Some(user.erase(occasion)))
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
        lambda::http::{Access, Call, Reply},
    };
    use testing::{
        Fault, Person, World,
        fixture::{Answer, Route, Stage},
        sample::Sample,
    };

    use super::*;
    use crate::handler;

    fn service(world: &Arc<World>) -> DeleteUser {
        DeleteUser {
            changing: Changing {
                users: world.clone(),
                circumstances: world.circumstances(),
            },
        }
    }

    fn route() -> Route<DeleteUser, impl AsyncFn(Arc<DeleteUser>, Call) -> Reply> {
        Route {
            access: handler::ACCESS,
            service,
            handle: handler::handle,
        }
    }

    async fn delete(stage: &Stage, by: &Person, whom: &Person) -> Answer {
        let request = Sample::of_user("DELETE", &whom.id.to_string(), "").bearer(&by.token);
        route().answer(&stage.world, request).await.unwrap()
    }

    #[tokio::test]
    async fn the_user_and_administrators_may() {
        let request = |_, id: &str| Sample::of_user("DELETE", id, "");
        let admitted = route().admits(Access::OwnerOrAdmin, 204, request).await;
        admitted.unwrap();
    }

    #[tokio::test]
    async fn an_erased_user_is_gone_and_the_address_free() {
        let stage = Stage::set().await.unwrap();
        assert_eq!(delete(&stage, &stage.ann, &stage.ann).await.status, 204);
        assert!(stage.world.user(stage.ann.id).is_none());
        let event = stage.world.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::UserDeleted);
        assert_eq!(event.user_id, Some(stage.ann.id));

        let again = delete(&stage, &stage.admin, &stage.ann).await;
        assert_eq!(again.problem(), (404, "not-found"));
        let by_herself = delete(&stage, &stage.ann, &stage.ann).await;
        assert_eq!(by_herself.problem(), (401, "unauthenticated"));
        let newcomer = stage.world.join("Ann", Roles::new()).await.unwrap();
        assert_ne!(newcomer.id, stage.ann.id);
    }

    #[tokio::test]
    async fn a_stale_version_erases_nobody() {
        let stage = Stage::set().await.unwrap();
        let request = |tag| {
            let request = Sample::of_user("DELETE", "me", "").header("if-match", tag);
            request.bearer(&stage.ann.token)
        };
        let refused = route().answer(&stage.world, request("\"2\"")).await;
        assert_eq!(refused.unwrap().problem(), (412, "precondition-failed"));
        assert!(stage.world.user(stage.ann.id).is_some());
        let right = route().answer(&stage.world, request("\"1\"")).await;
        assert_eq!(right.unwrap().status, 204);
    }

    #[tokio::test]
    async fn the_last_administrator_stays() {
        let stage = Stage::set().await.unwrap();
        let refused = delete(&stage, &stage.admin, &stage.admin).await;
        assert_eq!(refused.problem(), (409, "last-administrator"));
        let roles = Roles::from([Role::admin()]);
        stage.world.join("Second", roles).await.unwrap();
        assert_eq!(delete(&stage, &stage.admin, &stage.admin).await.status, 204);
    }

    /// Whatever fails wherever, after a repetition the user is gone with one event.
    #[tokio::test]
    async fn an_erasure_survives_every_fault() {
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
            let gone = matches!(again, Ok(()) | Err(Error::Refused(Refusal::NotFound)));
            assert!(gone, "{fault:?}: {again:?}");
            assert!(stage.world.user(stage.ann.id).is_none(), "{fault:?}");
            assert_eq!(stage.world.history_of(stage.ann.id).len(), 2, "{fault:?}");
            fired
        })
        .await;
        assert_eq!(tried, 4 * 2, "find and commit were each made to fail");
    }
}
