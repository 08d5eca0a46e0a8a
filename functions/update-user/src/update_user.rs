//! The use case: a user gets another name.

use shared::{
    application::user_updates::{Target, UserUpdates},
    domain::{Name, Result, User},
};

pub struct UpdateUser {
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
    /// Returns the changed user. The same name makes no version and no event.
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
    use shared::{
        domain::{EventKind, Version},
        lambda::http::Access,
    };
    use testing::{Answer, Endpoint, Fixture, TestRequest, Value, json};

    use super::*;
    use crate::handler;

    fn request(content_type: &str, body: &Value) -> TestRequest {
        TestRequest::new("PATCH", "/users/{id}").body(content_type, &body.to_string())
    }

    fn endpoint(request: TestRequest) -> Endpoint {
        Endpoint::new(handler::ACCESS, handler::handle, |backend| UpdateUser {
            updates: backend.user_updates(),
        })
        .request(request, 200)
    }

    fn rename(name: &str) -> Endpoint {
        let body = json!({"name": name});
        endpoint(request("application/merge-patch+json", &body))
    }

    async fn patch(fixture: &Fixture, body: &Value) -> Answer {
        endpoint(request("application/json", body))
            .send(fixture)
            .await
    }

    #[tokio::test]
    async fn the_user_and_administrators_may() {
        rename("Anna")
            .admits(Access::OWNER_OR_ADMIN.recent_by_role())
            .await;
    }

    #[tokio::test]
    async fn a_stale_version_changes_nothing() {
        rename("Anna").refuses_a_stale_version().await;
        rename("Ann").refuses_a_stale_version().await;
    }

    #[tokio::test]
    async fn a_new_name_survives_every_fault() {
        let is_done = async |fixture: &Fixture| {
            let ann = fixture.ann();
            (ann.name.as_str(), ann.version) == ("Anna", 2.into())
        };
        let calls = rename("Anna").survives_every_fault(is_done).await;
        assert_eq!(calls[3..], ["users.find", "users.commit"]);
    }

    #[tokio::test]
    async fn another_name_makes_a_version_with_an_event() {
        let fixture = Fixture::new().await;
        let answer = rename(" Anna ").send(&fixture).await;
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
        let fixture = Fixture::new().await;
        let events = fixture.backend.outbox().len();
        for body in [json!({"name": "Ann"}), json!({})] {
            let answer = patch(&fixture, &body).await;
            assert_eq!((answer.status, answer.header("etag")), (200, Some("\"1\"")));
        }
        assert_eq!(fixture.backend.outbox().len(), events);
    }

    #[tokio::test]
    async fn only_a_strong_tag_or_a_star_is_a_version() {
        let fixture = Fixture::new().await;
        for (tag, status) in [("*", 200), ("W/\"2\"", 412), ("2", 412), ("\"x\"", 412)] {
            let request = request("application/json", &json!({"name": tag}));
            let answer = endpoint(request.header("if-match", tag))
                .send(&fixture)
                .await;
            assert_eq!(answer.status, status, "{tag}");
        }
        let ann = fixture.ann();
        assert_eq!((ann.name.as_str(), ann.version), ("*", Version::from(2)));
    }

    #[tokio::test]
    async fn a_name_can_be_changed_and_nothing_else() {
        let fixture = Fixture::new().await;
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
            let answer = patch(&fixture, &body).await;
            assert_eq!(answer.problem(), (422, "invalid"));
            assert_eq!(answer.invalid_fields(), [wrong]);
        }
        let text = endpoint(request("text/plain", &json!({})));
        assert_eq!(text.send(&fixture).await.status, 415);
        assert_eq!(fixture.ann().version, Version::FIRST);
    }
}
