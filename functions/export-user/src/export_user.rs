//! The use case: somebody takes along everything that is held on a user.

mod document;

use std::sync::Arc;

use shared::{
    application::ports::{Clock, SessionRepository, UserRepository},
    domain::{Refusal, Result, User, UserId, history::HistoryEntry},
};

pub use document::Export;

/// Entries of a history read at once.
const PAGE: usize = 100;

/// Exports users.
pub struct ExportUser {
    /// Where users and their histories are kept.
    pub users: Arc<dyn UserRepository>,
    /// Where sessions are kept.
    pub sessions: Arc<dyn SessionRepository>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Whom to export.
#[derive(Debug)]
pub struct Query {
    /// The user.
    pub id: UserId,
}

impl ExportUser {
    /// Everything that is held on the user, and nothing that would let its reader in: no hash, no
    /// nonce, no token.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn execute(&self, query: &Query) -> Result<Export> {
        let user = self.users.find(query.id).await?.ok_or(Refusal::NotFound)?;
        let (sessions, history) =
            tokio::try_join!(self.sessions.list(user.id), self.history(&user))?;
        Ok(Export::new(self.clock.now(), &user, sessions, history))
    }

    /// The whole history, at least up to the version of `user`.
    async fn history(&self, user: &User) -> Result<Vec<HistoryEntry>> {
        let mut history: Vec<HistoryEntry> = Vec::new();
        loop {
            let after = history.last().and_then(|entry| entry.event.version);
            if after.is_some_and(|version| version >= user.version) {
                return Ok(history);
            }
            let page = self.users.history(user.id, after, PAGE).await?;
            if page.is_empty() {
                return Ok(history);
            }
            history.extend(page);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shared::{
        domain::{Origin, Roles},
        lambda::http::{Access, Call, Reply},
    };
    use testing::{
        World,
        fixture::{Answer, Route, Stage},
        sample::Sample,
    };

    use super::*;
    use crate::handler;

    fn route() -> Route<ExportUser, impl AsyncFn(Arc<ExportUser>, Call) -> Reply> {
        Route {
            access: handler::ACCESS,
            service: |world| ExportUser {
                users: world.clone(),
                sessions: world.clone(),
                clock: world.clone(),
            },
            handle: handler::handle,
        }
    }

    async fn export(stage: &Stage) -> Answer {
        let request = Sample::of_user("GET", "me", "/export").bearer(&stage.ann.token);
        route().answer(&stage.world, request).await.unwrap()
    }

    /// Ann asks for another address.
    async fn request_email(world: &Arc<World>, id: UserId) {
        let mut origin = Origin::system("request-7");
        origin.source = Some([203, 0, 113, 8].into());
        let occasion = world.circumstances().occasion(origin).unwrap();
        let ann = world.user(id).unwrap();
        let change = ann.request_email("anna@example.com".parse().unwrap(), &occasion);
        world.commit(&change.unwrap()).await.unwrap();
    }

    #[tokio::test]
    async fn the_user_and_administrators_may() {
        let request = |_, id: &str| Sample::of_user("GET", id, "/export");
        let admitted = route().admits(Access::OwnerOrAdmin, 200, request).await;
        admitted.unwrap();
    }

    #[tokio::test]
    async fn everything_held_on_the_user_is_there() {
        let stage = Stage::set().await.unwrap();
        request_email(&stage.world, stage.ann.id).await;
        let answer = export(&stage).await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.header("content-disposition"),
            Some(format!("attachment; filename=\"user-{}.json\"", stage.ann.id).as_str())
        );
        let now = "2026-01-01T00:00:00.000000Z";
        let body = answer.body;
        assert_eq!(body["exportedAt"], now);
        assert_eq!(body["user"]["email"], "ann@example.com");
        assert_eq!(body["pendingEmail"], "anna@example.com");
        assert_eq!(
            body["logins"],
            json!([{"type": "email", "email": "ann@example.com"}])
        );
        assert_eq!(
            body["sessions"],
            json!([{
                "id": stage.ann.session_id,
                "createdAt": now,
                "lastUsedAt": now,
                "expiresAt": "2026-01-31T00:00:00.000000Z",
                "endedAt": null,
                "methods": ["pwd"],
                "sourceAddress": "203.0.113.9",
                "userAgent": "browser",
            }])
        );
        let history = body["history"].as_array().unwrap();
        assert_eq!(history.len(), 2);
        assert_eq!(history[0]["type"], "UserCreated");
        assert_eq!(history[0]["newEmail"], "ann@example.com");
        let mut change = history[1].clone();
        assert!(change["id"].take().is_string());
        assert_eq!(
            change,
            json!({
                "id": null,
                "version": 2,
                "type": "UserEmailChangeRequested",
                "time": "2026-01-01T00:00:00.000001Z",
                "actor": "system",
                "changed": ["pendingEmail"],
                "traceparent": null,
                "sourceAddress": "203.0.113.8",
                "requestId": "request-7",
                "oldEmail": null,
                "newEmail": "anna@example.com",
            })
        );
    }

    #[tokio::test]
    async fn nothing_in_it_lets_its_reader_in() {
        let stage = Stage::set().await.unwrap();
        let text = export(&stage).await.body.to_string();
        let session = stage.world.sessions_of(stage.ann.id).remove(0);
        let key = shared::domain::LoginKey::Email("ann@example.com".parse().unwrap());
        let login = stage.world.find_login(&key).await.unwrap().unwrap();
        let history = stage.world.history_of(stage.ann.id);
        for secret in [
            session.nonce.as_str(),
            login.password.as_ref().unwrap().expose(),
            stage.ann.token.as_str(),
            &history[0].hash.to_string(),
            &history[0].private.as_ref().unwrap().salt,
        ] {
            assert!(!text.contains(secret), "{secret}");
        }
    }

    #[tokio::test]
    async fn a_long_history_is_whole_and_others_are_not_in_it() {
        let stage = Stage::set().await.unwrap();
        for number in 1..=2 * PAGE {
            let circumstances = stage.world.circumstances();
            let occasion = circumstances.occasion(Origin::system("test")).unwrap();
            let ann = stage.world.user(stage.ann.id).unwrap();
            let roles = Roles::from([format!("r{number}").parse().unwrap()]);
            let change = ann.assign_roles(roles, &occasion).unwrap();
            stage.world.commit(&change).await.unwrap();
        }
        let ann = stage.world.user(stage.ann.id).unwrap();
        let ann = stage.world.enter(&ann).await.unwrap();
        let stage = Stage { ann, ..stage };
        let body = export(&stage).await.body;
        let history = body["history"].as_array().unwrap();
        let versions: Vec<_> = history
            .iter()
            .map(|entry| entry["version"].as_u64())
            .collect();
        let expected: Vec<_> = (1..=1 + 2 * PAGE as u64).map(Some).collect();
        assert_eq!(versions, expected);
        assert!(!body.to_string().contains(&stage.bob.id.to_string()));
        assert!(!body.to_string().contains("bob@"));
    }
}
