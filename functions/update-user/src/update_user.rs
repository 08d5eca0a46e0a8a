//! The use case: a user gets another name.

use shared::{
    application::user_updates::{Changing, Target},
    domain::{Name, Result, User},
};

/// Updates users.
pub struct UpdateUser {
    /// Changes users.
    pub changing: Changing,
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
        self.changing
            .change_target(&target, |user, occasion| {
                let name = name.clone();
                Ok(name.and_then(|name| user.rename(name, occasion)))
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
        lambda::http::{Access, Call, Reply},
    };
    use testing::{
        Fault, World,
        fixture::{Answer, Route, Stage},
        sample::Sample,
    };

    use super::*;
    use crate::handler;

    fn service(world: &Arc<World>) -> UpdateUser {
        UpdateUser {
            changing: Changing {
                users: world.clone(),
                circumstances: world.circumstances(),
            },
        }
    }

    fn route() -> Route<UpdateUser, impl AsyncFn(Arc<UpdateUser>, Call) -> Reply> {
        Route {
            access: handler::ACCESS,
            service,
            handle: handler::handle,
        }
    }

    async fn patch(stage: &Stage, body: &Value, if_match: Option<&str>) -> Answer {
        let mut request = Sample::of_user("PATCH", "me", "")
            .body("application/merge-patch+json", &body.to_string())
            .bearer(&stage.ann.token);
        if let Some(tag) = if_match {
            request = request.header("if-match", tag);
        }
        route().answer(&stage.world, request).await.unwrap()
    }

    #[tokio::test]
    async fn the_user_and_administrators_may() {
        let request = |_, id: &str| Sample::of_user("PATCH", id, "").json(&json!({"name": "Anna"}));
        let admitted = route().admits(Access::OwnerOrAdmin, 200, request).await;
        admitted.unwrap();
    }

    #[tokio::test]
    async fn another_name_makes_a_version_with_an_event() {
        let stage = Stage::set().await.unwrap();
        let answer = patch(&stage, &json!({"name": " Anna "}), Some("\"1\"")).await;
        assert_eq!((answer.status, answer.header("etag")), (200, Some("\"2\"")));
        assert_eq!(answer.body["name"], "Anna");
        let event = stage.world.outbox().pop().unwrap();
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
        let stage = Stage::set().await.unwrap();
        let events = stage.world.outbox().len();
        for body in [json!({"name": "Ann"}), json!({})] {
            let answer = patch(&stage, &body, None).await;
            assert_eq!((answer.status, answer.header("etag")), (200, Some("\"1\"")));
        }
        assert_eq!(stage.world.outbox().len(), events);
        let refused = patch(&stage, &json!({"name": "Ann"}), Some("\"7\"")).await;
        assert_eq!(refused.problem(), (412, "precondition-failed"));
    }

    #[tokio::test]
    async fn a_stale_version_changes_nothing() {
        let stage = Stage::set().await.unwrap();
        assert_eq!(
            patch(&stage, &json!({"name": "A"}), Some("*")).await.status,
            200
        );
        for tag in ["\"1\"", "W/\"2\"", "2", "\"x\""] {
            let answer = patch(&stage, &json!({"name": "B"}), Some(tag)).await;
            assert_eq!(answer.problem(), (412, "precondition-failed"), "{tag}");
        }
        let user = stage.world.user(stage.ann.id).unwrap();
        assert_eq!((user.name.as_str(), user.version), ("A", Version::from(2)));
    }

    #[tokio::test]
    async fn a_name_can_be_changed_and_nothing_else() {
        let stage = Stage::set().await.unwrap();
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
            let answer = patch(&stage, &body, None).await;
            assert_eq!(answer.problem(), (422, "invalid"));
            assert_eq!(answer.wrong_fields(), [wrong]);
        }
        let request = Sample::of_user("PATCH", "me", "").body("text/plain", "{}");
        let request = request.bearer(&stage.ann.token);
        let answer = route().answer(&stage.world, request).await.unwrap();
        assert_eq!(answer.status, 415);
        assert_eq!(
            stage.world.user(stage.ann.id).unwrap().version,
            Version::FIRST
        );
    }

    /// Whatever fails wherever, a repetition leads to the new name, and the new name has one event.
    #[tokio::test]
    async fn a_new_name_survives_every_fault() {
        let tried = World::try_every_fault(async |fault: Fault| {
            let stage = Stage::set().await.unwrap();
            let service = service(&stage.world);
            let command = || Command {
                target: Target {
                    id: stage.ann.id,
                    expected: None,
                    origin: Origin::system("test"),
                },
                name: Some("Anna".parse().unwrap()),
            };
            let (_, fired) = stage
                .world
                .with_fault(fault, service.execute(command()))
                .await;
            let user = service.execute(command()).await.unwrap();
            assert_eq!((user.name.as_str(), user.version), ("Anna", 2.into()));
            assert_eq!(stage.world.history_of(user.id).len(), 2, "{fault:?}");
            fired
        })
        .await;
        assert_eq!(tried, 4 * 2, "find and commit were each made to fail");
    }
}
