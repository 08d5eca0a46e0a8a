//! The use case: a user gets another name.

use shared::{
    application::user_updates::{Target, UserUpdates},
    domain::{Name, Result, User},
};

/// Updates users.
pub struct UpdateUser {
    /// Changes users.
    pub updates: UserUpdates,
}

/// What shall be other than it is.
#[derive(Debug)]
pub struct Command {
    /// The user.
    pub target: Target,
    /// Another name.
    pub name: Option<Name>,
}

impl UpdateUser {
    /// Gives the user as it is then. What is as wanted already makes no version and no event.
    ///
    /// # Errors
    /// `NotFound`, `PreconditionFailed`.
    pub async fn execute(&self, command: Command) -> Result<User> {
        let Command { target, name } = command;
        self.updates
            .update(&target, |user, metadata| {
                let name = name.clone();
                Ok(name.and_then(|name| user.rename(name, metadata)))
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};
    use shared::{
        domain::{EventKind, Origin, Version},
        lambda::http::{Access, Request, Response},
    };
    use testing::{
        FakeBackend, Fault,
        fixture::{Answer, Fixture, Route},
        sample::Sample,
    };

    use super::*;
    use crate::handler;

    fn service(backend: &Arc<FakeBackend>) -> UpdateUser {
        UpdateUser {
            updates: UserUpdates {
                users: backend.clone(),
                env: backend.env(),
            },
        }
    }

    fn route() -> Route<UpdateUser, impl AsyncFn(Arc<UpdateUser>, Request) -> Response> {
        Route {
            access: handler::ACCESS,
            service,
            handle: handler::handle,
        }
    }

    async fn patch(fixture: &Fixture, body: &Value, if_match: Option<&str>) -> Answer {
        let mut request = Sample::of_user("PATCH", "me", "")
            .body("application/merge-patch+json", &body.to_string())
            .bearer(&fixture.ann.token);
        if let Some(tag) = if_match {
            request = request.header("if-match", tag);
        }
        route().answer(&fixture.backend, request).await.unwrap()
    }

    #[tokio::test]
    async fn the_user_and_administrators_may() {
        let request = |_, id: &str| Sample::of_user("PATCH", id, "").json(&json!({"name": "Anna"}));
        let admitted = route().admits(Access::OwnerOrAdmin, 200, request).await;
        admitted.unwrap();
    }

    #[tokio::test]
    async fn another_name_makes_a_version_with_an_event() {
        let fixture = Fixture::new().await.unwrap();
        let answer = patch(&fixture, &json!({"name": " Anna "}), Some("\"1\"")).await;
        assert_eq!((answer.status, answer.header("etag")), (200, Some("\"2\"")));
        assert_eq!(answer.body["name"], "Anna");
        let event = fixture.backend.outbox().pop().unwrap();
        assert_eq!(
            (event.kind, event.version, event.data.changed),
            (
                EventKind::UserUpdated,
                Some(2.into()),
                vec!["name".to_owned()]
            )
        );
    }

    #[tokio::test]
    async fn what_is_as_wanted_stays_at_its_version() {
        let fixture = Fixture::new().await.unwrap();
        let events = fixture.backend.outbox().len();
        for body in [json!({"name": "Ann"}), json!({})] {
            let answer = patch(&fixture, &body, None).await;
            assert_eq!((answer.status, answer.header("etag")), (200, Some("\"1\"")));
        }
        assert_eq!(fixture.backend.outbox().len(), events);
        let refused = patch(&fixture, &json!({"name": "Ann"}), Some("\"7\"")).await;
        assert_eq!(refused.problem(), (412, "precondition-failed"));
    }

    #[tokio::test]
    async fn a_stale_version_changes_nothing() {
        let fixture = Fixture::new().await.unwrap();
        assert_eq!(
            patch(&fixture, &json!({"name": "A"}), Some("*"))
                .await
                .status,
            200
        );
        for tag in ["\"1\"", "W/\"2\"", "2", "\"x\""] {
            let answer = patch(&fixture, &json!({"name": "B"}), Some(tag)).await;
            assert_eq!(answer.problem(), (412, "precondition-failed"), "{tag}");
        }
        let user = fixture.backend.user(fixture.ann.id).unwrap();
        assert_eq!((user.name.as_str(), user.version), ("A", Version::from(2)));
    }

    #[tokio::test]
    async fn a_name_can_be_changed_and_nothing_else() {
        let fixture = Fixture::new().await.unwrap();
        for (body, wrong) in [
            (json!({"name": null}), ("/name", "wrong-type")),
            (json!({"name": " "}), ("/name", "required")),
            (json!({"name": "x".repeat(101)}), ("/name", "too-long")),
            (
                json!({"email": "a@example.com"}),
                ("/email", "unknown-field"),
            ),
            (json!({"roles": ["admin"]}), ("/roles", "unknown-field")),
            (json!({"active": false}), ("/active", "unknown-field")),
        ] {
            let answer = patch(&fixture, &body, None).await;
            assert_eq!(answer.problem(), (422, "invalid"));
            assert_eq!(answer.wrong_fields(), [wrong]);
        }
        let request = Sample::of_user("PATCH", "me", "").body("text/plain", "{}");
        let request = request.bearer(&fixture.ann.token);
        let answer = route().answer(&fixture.backend, request).await.unwrap();
        assert_eq!(answer.status, 415);
        assert_eq!(
            fixture.backend.user(fixture.ann.id).unwrap().version,
            Version::FIRST
        );
    }

    /// Whatever fails wherever, a repetition leads to the new name, and the new name has one event.
    #[tokio::test]
    async fn a_new_name_survives_every_fault() {
        let tried = FakeBackend::try_every_fault(async |fault: Fault| {
            let fixture = Fixture::new().await.unwrap();
            let service = service(&fixture.backend);
            let command = || Command {
                target: Target {
                    id: fixture.ann.id,
                    expected: None,
                    origin: Origin::system("test"),
                },
                name: Some("Anna".parse().unwrap()),
            };
            let (_, fired) = fixture
                .backend
                .with_fault(fault, service.execute(command()))
                .await;
            let user = service.execute(command()).await.unwrap();
            assert_eq!((user.name.as_str(), user.version), ("Anna", 2.into()));
            assert_eq!(fixture.backend.history_of(user.id).len(), 2, "{fault:?}");
            fired
        })
        .await;
        assert_eq!(tried, 4 * 2, "find and commit were each made to fail");
    }
}
