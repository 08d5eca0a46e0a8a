//! The use case: a user gets other roles.

use shared::{
    application::user_updates::{Target, UserUpdates},
    domain::{Result, Roles, User},
};

pub struct AssignRoles {
    pub updates: UserUpdates,
}

/// The roles a user shall have, and no others.
#[derive(Debug)]
pub struct Command {
    /// The user.
    pub target: Target,
    pub roles: Roles,
}

impl AssignRoles {
    /// Returns the changed user. The same roles make no version and no event.
    ///
    /// # Errors
    /// `NotFound`, `PreconditionFailed`, `LastAdministrator`; `UserUnproven` if somebody would gain a
    /// role who has not proven the address.
    pub async fn execute(&self, command: Command) -> Result<User> {
        let Command { target, roles } = command;
        self.updates
            .update(&target, |user, metadata| {
                user.assign_roles(roles.clone(), metadata)
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        domain::{EventKind, Role},
        lambda::http::Access,
    };
    use testing::{Answer, Endpoint, Fixture, Person, TestRequest, Value, json};

    use super::*;
    use crate::handler;

    fn request(roles: &Value) -> TestRequest {
        TestRequest::new("PUT", "/users/{id}/roles").json(&json!({"roles": roles}))
    }

    fn endpoint(roles: &Value) -> Endpoint {
        Endpoint::new(handler::ACCESS, handler::handle, |backend| AssignRoles {
            updates: backend.user_updates(),
        })
        .request(request(roles), 200)
    }

    async fn assign(fixture: &Fixture, user: &Person, roles: &Value) -> Answer {
        let request = request(roles).id(&user.id).bearer(&fixture.admin.token);
        endpoint(roles).answer(&fixture.backend, request).await
    }

    #[tokio::test]
    async fn administrators_may() {
        endpoint(&json!(["support"]))
            .admits(Access::ADMIN.recent())
            .await;
    }

    #[tokio::test]
    async fn a_stale_version_changes_nothing() {
        endpoint(&json!(["a"])).refuses_a_stale_version().await;
    }

    #[tokio::test]
    async fn the_last_administrator_stays() {
        endpoint(&json!([])).keeps_the_last_administrator().await;
    }

    #[tokio::test]
    async fn the_last_administrator_may_get_more_roles() {
        let fixture = Fixture::new().await;
        let more = assign(&fixture, &fixture.admin, &json!(["admin", "support"])).await;
        assert_eq!(more.status, 200);
    }

    #[tokio::test]
    async fn other_roles_survive_every_fault() {
        let is_done = async |fixture: &Fixture| fixture.ann().roles == Roles::from([Role::admin()]);
        let endpoint = endpoint(&json!(["admin"]));
        let calls = endpoint.survives_every_fault(is_done).await;
        assert_eq!(calls[3..], ["users.find", "users.commit"]);
    }

    #[tokio::test]
    async fn roles_are_replaced_and_repetitions_count_once() {
        let fixture = Fixture::new().await;
        let answer = assign(
            &fixture,
            &fixture.ann,
            &json!(["support", "admin", "support"]),
        )
        .await;
        assert_eq!((answer.status, answer.header("etag")), (200, Some("\"2\"")));
        assert_eq!(answer.body["roles"], json!(["admin", "support"]));
        let event = fixture.backend.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::UserRolesChanged);
        let same = assign(&fixture, &fixture.ann, &json!(["support", "admin"])).await;
        assert_eq!((same.status, same.header("etag")), (200, Some("\"2\"")));
        let fewer = assign(&fixture, &fixture.ann, &json!([])).await;
        assert_eq!(fewer.body["roles"], json!([]));
    }

    #[tokio::test]
    async fn who_has_not_proven_the_address_gains_no_role_and_may_lose_one() {
        let fixture = Fixture::new().await;
        fixture.backend.tamper(fixture.ann.id, |ann| {
            ann.email_verified = false;
            ann.roles = Roles::from(["a".parse().unwrap()]);
        });
        for roles in [json!(["a", "b"]), json!(["b"]), json!(["admin"])] {
            let answer = assign(&fixture, &fixture.ann, &roles).await;
            assert_eq!(answer.problem(), (409, "address-unproven"), "{roles}");
        }
        assert_eq!(assign(&fixture, &fixture.ann, &json!([])).await.status, 200);
    }

    #[tokio::test]
    async fn sessions_end_only_if_a_role_is_lost() {
        let fixture = Fixture::new().await;
        assign(&fixture, &fixture.ann, &json!(["a", "b"])).await;
        assert_eq!(fixture.ann().auth_epoch, 0);
        assign(&fixture, &fixture.ann, &json!(["b", "c"])).await;
        assert_eq!(fixture.ann().auth_epoch, 1);
    }

    #[tokio::test]
    async fn every_wrong_role_is_pointed_at() {
        let fixture = Fixture::new().await;
        let answer = assign(&fixture, &fixture.ann, &json!(["a", "B", "c d", 7])).await;
        assert_eq!(answer.problem(), (422, "invalid"));
        assert_eq!(
            answer.invalid_fields(),
            [
                ("/roles/1", "invalid-role"),
                ("/roles/2", "invalid-role"),
                ("/roles/3", "wrong-type")
            ]
        );
        let roles = |count| json!((0..count).map(|n| format!("r{n}")).collect::<Vec<_>>());
        assert_eq!(assign(&fixture, &fixture.ann, &roles(20)).await.status, 200);
        let many = assign(&fixture, &fixture.ann, &roles(21)).await;
        assert_eq!(many.invalid_fields(), [("/roles", "too-many")]);
        let none = assign(&fixture, &fixture.ann, &Value::Null).await;
        assert_eq!(none.invalid_fields(), [("/roles", "wrong-type")]);
    }
}
