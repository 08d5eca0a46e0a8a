//! The use case: a user gets other roles.

use shared::{
    application::user_updates::{Target, UserUpdates},
    domain::{Result, Roles, User},
};

/// Assigns roles.
pub struct AssignRoles {
    /// Changes users.
    pub updates: UserUpdates,
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
        self.updates
            .update(&target, |user, metadata| {
                Ok(user.assign_roles(roles.clone(), metadata))
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
        lambda::http::{Access, Request, Response},
    };
    use testing::{
        FakeBackend, Fault, Person,
        fixture::{Answer, Fixture, Route},
        sample::Sample,
    };

    use super::*;
    use crate::handler;

    fn service(backend: &Arc<FakeBackend>) -> AssignRoles {
        AssignRoles {
            updates: UserUpdates {
                users: backend.clone(),
                env: backend.env(),
            },
        }
    }

    fn route() -> Route<AssignRoles, impl AsyncFn(Arc<AssignRoles>, Request) -> Response> {
        Route {
            access: handler::ACCESS,
            service,
            handle: handler::handle,
        }
    }

    fn request(fixture: &Fixture, whom: &Person, roles: &Value) -> Sample {
        Sample::of_user("PUT", &whom.id.to_string(), "/roles")
            .json(&json!({"roles": roles}))
            .bearer(&fixture.admin.token)
    }

    async fn assign(fixture: &Fixture, whom: &Person, roles: &Value) -> Answer {
        let request = request(fixture, whom, roles);
        route().answer(&fixture.backend, request).await.unwrap()
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
        let fixture = Fixture::new().await.unwrap();
        let answer = assign(
            &fixture,
            &fixture.ann,
            &json!(["support", "admin", "support"]),
        )
        .await;
        assert_eq!((answer.status, answer.header("etag")), (200, Some("\"2\"")));
        assert_eq!(answer.body["roles"], json!(["admin", "support"]));
        assert_eq!(
            fixture.backend.outbox().pop().unwrap().kind,
            EventKind::UserRolesChanged
        );
        let same = assign(&fixture, &fixture.ann, &json!(["support", "admin"])).await;
        assert_eq!((same.status, same.header("etag")), (200, Some("\"2\"")));
        let fewer = assign(&fixture, &fixture.ann, &json!([])).await;
        assert_eq!(fewer.body["roles"], json!([]));
    }

    #[tokio::test]
    async fn sessions_end_where_a_role_is_lost_only() {
        let fixture = Fixture::new().await.unwrap();
        let epoch = |fixture: &Fixture| fixture.backend.user(fixture.ann.id).unwrap().auth_epoch;
        assign(&fixture, &fixture.ann, &json!(["a", "b"])).await;
        assert_eq!(epoch(&fixture), 0);
        assign(&fixture, &fixture.ann, &json!(["b", "c"])).await;
        assert_eq!(epoch(&fixture), 1);
    }

    #[tokio::test]
    async fn every_wrong_role_is_pointed_at() {
        let fixture = Fixture::new().await.unwrap();
        let answer = assign(&fixture, &fixture.ann, &json!(["a", "B", "c d", 7])).await;
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
        assert_eq!(assign(&fixture, &fixture.ann, &roles(20)).await.status, 200);
        let many = assign(&fixture, &fixture.ann, &roles(21)).await;
        assert_eq!(many.wrong_fields(), [("/roles", "too-many")]);
        let none = assign(&fixture, &fixture.ann, &Value::Null).await;
        assert_eq!(none.wrong_fields(), [("/roles", "wrong-type")]);
    }

    #[tokio::test]
    async fn a_stale_version_changes_nothing() {
        let fixture = Fixture::new().await.unwrap();
        let with = |tag| request(&fixture, &fixture.ann, &json!(["a"])).header("if-match", tag);
        let refused = route().answer(&fixture.backend, with("\"2\"")).await;
        assert_eq!(refused.unwrap().problem(), (412, "precondition-failed"));
        let right = route().answer(&fixture.backend, with("\"1\"")).await;
        assert_eq!(right.unwrap().status, 200);
    }

    #[tokio::test]
    async fn the_last_administrator_stays() {
        let fixture = Fixture::new().await.unwrap();
        let refused = assign(&fixture, &fixture.admin, &json!([])).await;
        assert_eq!(refused.problem(), (409, "last-administrator"));
        let more = assign(&fixture, &fixture.admin, &json!(["admin", "support"])).await;
        assert_eq!(more.status, 200, "who stays one is not the last to go");
        assign(&fixture, &fixture.ann, &json!(["admin"])).await;
        assert_eq!(
            assign(&fixture, &fixture.admin, &json!(["support"]))
                .await
                .status,
            200
        );
    }

    /// Whatever fails wherever, a repetition leads to the roles, and they have one event.
    #[tokio::test]
    async fn other_roles_survive_every_fault() {
        let tried = FakeBackend::try_every_fault(async |fault: Fault| {
            let fixture = Fixture::new().await.unwrap();
            let service = service(&fixture.backend);
            let command = || Command {
                target: Target {
                    id: fixture.ann.id,
                    expected: None,
                    origin: Origin::system("test"),
                },
                roles: Roles::from([Role::admin()]),
            };
            let (_, fired) = fixture
                .backend
                .with_fault(fault, service.execute(command()))
                .await;
            let user = service.execute(command()).await.unwrap();
            assert!(user.is_active_admin(), "{fault:?}");
            assert_eq!(fixture.backend.history_of(user.id).len(), 2, "{fault:?}");
            fired
        })
        .await;
        assert_eq!(tried, 4 * 2, "find and commit were each made to fail");
    }
}
