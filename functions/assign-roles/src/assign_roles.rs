//! The use case: a user gets other roles.

use shared::{
    application::user_updates::{Changing, Target},
    domain::{Result, Roles, User},
};

/// Assigns roles.
pub struct AssignRoles {
    /// Changes users.
    pub changing: Changing,
}

/// The roles a user shall have, and no others.
#[derive(Debug)]
pub struct Command {
    /// The user.
    pub target: Target,
    /// The roles.
    pub roles: Roles,
}

impl AssignRoles {
    /// Gives the user as it is then. The same roles make no version and no event.
    ///
    /// # Errors
    /// `NotFound`, `PreconditionFailed`, `LastAdministrator`.
    pub async fn execute(&self, command: Command) -> Result<User> {
        let Command { target, roles } = command;
        self.changing
            .change_target(&target, |user, occasion| {
                Ok(user.assign_roles(roles.clone(), occasion))
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};
    use shared::{
        domain::{EventKind, Origin, Role},
        lambda::http::{Access, Call, Reply},
    };
    use testing::{
        Fault, Person, World,
        fixture::{Answer, Route, Stage},
        sample::Sample,
    };

    use super::*;
    use crate::handler;

    fn service(world: &Arc<World>) -> AssignRoles {
        AssignRoles {
            changing: Changing {
                users: world.clone(),
                circumstances: world.circumstances(),
            },
        }
    }

    fn route() -> Route<AssignRoles, impl AsyncFn(Arc<AssignRoles>, Call) -> Reply> {
        Route {
            access: handler::ACCESS,
            service,
            handle: handler::handle,
        }
    }

    fn request(stage: &Stage, whom: &Person, roles: &Value) -> Sample {
        Sample::of_user("PUT", &whom.id.to_string(), "/roles")
            .json(&json!({"roles": roles}))
            .bearer(&stage.admin.token)
    }

    async fn assign(stage: &Stage, whom: &Person, roles: &Value) -> Answer {
        let request = request(stage, whom, roles);
        route().answer(&stage.world, request).await.unwrap()
    }

    #[tokio::test]
    async fn administrators_may() {
        let request =
            |_, id: &str| Sample::of_user("PUT", id, "/roles").json(&json!({"roles": ["support"]}));
        let admitted = route().admits(Access::Admin, 200, request).await;
        admitted.unwrap();
    }

    #[tokio::test]
    async fn roles_are_replaced_and_repetitions_count_once() {
        let stage = Stage::set().await.unwrap();
        let answer = assign(&stage, &stage.ann, &json!(["support", "admin", "support"])).await;
        assert_eq!((answer.status, answer.header("etag")), (200, Some("\"2\"")));
        assert_eq!(answer.body["roles"], json!(["admin", "support"]));
        assert_eq!(
            stage.world.outbox().pop().unwrap().kind,
            EventKind::UserRolesChanged
        );
        let same = assign(&stage, &stage.ann, &json!(["support", "admin"])).await;
        assert_eq!((same.status, same.header("etag")), (200, Some("\"2\"")));
        let fewer = assign(&stage, &stage.ann, &json!([])).await;
        assert_eq!(fewer.body["roles"], json!([]));
    }

    #[tokio::test]
    async fn sessions_end_where_a_role_is_lost_only() {
        let stage = Stage::set().await.unwrap();
        let epoch = |stage: &Stage| stage.world.user(stage.ann.id).unwrap().auth_epoch;
        assign(&stage, &stage.ann, &json!(["a", "b"])).await;
        assert_eq!(epoch(&stage), 0);
        assign(&stage, &stage.ann, &json!(["b", "c"])).await;
        assert_eq!(epoch(&stage), 1);
    }

    #[tokio::test]
    async fn every_wrong_role_is_pointed_at() {
        let stage = Stage::set().await.unwrap();
        let answer = assign(&stage, &stage.ann, &json!(["a", "B", "c d", 7])).await;
        assert_eq!(answer.problem(), (422, "invalid"));
        assert_eq!(
            answer.wrong_fields(),
            [
                ("/roles/1", "invalid-role"),
                ("/roles/2", "invalid-role"),
                ("/roles/3", "wrong-type")
            ]
        );
        let roles = |count| json!((0..count).map(|n| format!("r{n}")).collect::<Vec<_>>());
        assert_eq!(assign(&stage, &stage.ann, &roles(20)).await.status, 200);
        let many = assign(&stage, &stage.ann, &roles(21)).await;
        assert_eq!(many.wrong_fields(), [("/roles", "too-many")]);
        let none = assign(&stage, &stage.ann, &Value::Null).await;
        assert_eq!(none.wrong_fields(), [("/roles", "wrong-type")]);
    }

    #[tokio::test]
    async fn a_stale_version_changes_nothing() {
        let stage = Stage::set().await.unwrap();
        let with = |tag| request(&stage, &stage.ann, &json!(["a"])).header("if-match", tag);
        let refused = route().answer(&stage.world, with("\"2\"")).await;
        assert_eq!(refused.unwrap().problem(), (412, "precondition-failed"));
        let right = route().answer(&stage.world, with("\"1\"")).await;
        assert_eq!(right.unwrap().status, 200);
    }

    #[tokio::test]
    async fn the_last_administrator_stays() {
        let stage = Stage::set().await.unwrap();
        let refused = assign(&stage, &stage.admin, &json!([])).await;
        assert_eq!(refused.problem(), (409, "last-administrator"));
        let more = assign(&stage, &stage.admin, &json!(["admin", "support"])).await;
        assert_eq!(more.status, 200, "who stays one is not the last to go");
        assign(&stage, &stage.ann, &json!(["admin"])).await;
        assert_eq!(
            assign(&stage, &stage.admin, &json!(["support"]))
                .await
                .status,
            200
        );
    }

    /// Whatever fails wherever, a repetition leads to the roles, and they have one event.
    #[tokio::test]
    async fn other_roles_survive_every_fault() {
        let tried = World::try_every_fault(async |fault: Fault| {
            let stage = Stage::set().await.unwrap();
            let service = service(&stage.world);
            let command = || Command {
                target: Target {
                    id: stage.ann.id,
                    expected: None,
                    origin: Origin::system("test"),
                },
                roles: Roles::from([Role::admin()]),
            };
            let (_, fired) = stage
                .world
                .with_fault(fault, service.execute(command()))
                .await;
            let user = service.execute(command()).await.unwrap();
            assert!(user.is_active_admin(), "{fault:?}");
            assert_eq!(stage.world.history_of(user.id).len(), 2, "{fault:?}");
            fired
        })
        .await;
        assert_eq!(tried, 4 * 2, "find and commit were each made to fail");
    }
}
