//! The use case: a caller exports everything that is held on a user.

mod document;

use std::sync::Arc;

use shared::{
    application::ports::{Clock, SessionRepository, UserRepository},
    domain::{Refusal, Result, User, UserId, history::HistoryEntry},
};

pub use document::Export;

/// Entries of a history read at once.
const PAGE: usize = 100;

pub struct ExportUser {
    /// Where users and their histories are kept.
    pub users: Arc<dyn UserRepository>,
    pub sessions: Arc<dyn SessionRepository>,
    pub clock: Arc<dyn Clock>,
}

/// Whom to export.
#[derive(Debug)]
pub struct Query {
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
    use shared::{
        domain::{Origin, Roles},
        lambda::http::Access,
    };
    use testing::{Endpoint, FakeBackend, Fixture, TestRequest, identity, json};

    use super::*;
    use crate::handler;

    fn endpoint() -> Endpoint {
        let request = TestRequest::new("GET", "/users/{id}/export");
        Endpoint::new(handler::ACCESS, handler::handle, |backend| ExportUser {
            users: backend.clone(),
            sessions: backend.clone(),
            clock: backend.clone(),
        })
        .request(request, 200)
    }

    /// Ann asks for another address.
    async fn request_email(backend: &Arc<FakeBackend>, id: UserId) {
        let mut origin = Origin::system("request-7");
        origin.client_ip = Some([203, 0, 113, 8].into());
        let metadata = backend.env().metadata(origin).unwrap();
        let ann = backend.user(id).unwrap();
        let change = ann.request_email("anna@example.com".parse().unwrap(), &metadata);
        backend.commit(&change.unwrap()).await.unwrap();
    }

    #[tokio::test]
    async fn the_user_and_administrators_may() {
        endpoint().admits(Access::OWNER_OR_ADMIN.recent()).await;
    }

    #[tokio::test]
    async fn everything_held_on_the_user_is_there() {
        let fixture = Fixture::new().await;
        request_email(&fixture.backend, fixture.ann.id).await;
        let unlinked = identity("a", "1");
        fixture
            .backend
            .tamper(fixture.ann.id, |ann| ann.unlinked.push(unlinked));
        let answer = endpoint().send(&fixture).await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.header("content-disposition"),
            Some(format!("attachment; filename=\"user-{}.json\"", fixture.ann.id).as_str())
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
        let unlinked = json!({"type": "oidc", "issuer": "https://a.example.com", "subject": "1"});
        assert_eq!(body["unlinked"], json!([unlinked]));
        assert_eq!(
            body["sessions"],
            json!([{
                "id": fixture.ann.session_id,
                "createdAt": now,
                "lastUsedAt": now,
                "expiresAt": "2026-01-31T00:00:00.000000Z",
                "endedAt": null,
                "endedFrom": null,
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
                "roles": null,
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
        let fixture = Fixture::new().await;
        let text = endpoint().send(&fixture).await.body.to_string();
        let session = fixture.backend.sessions_of(fixture.ann.id).remove(0);
        let key = shared::domain::LoginKey::Email("ann@example.com".parse().unwrap());
        let login = fixture.backend.find_login(&key).await.unwrap().unwrap();
        let history = fixture.backend.history_of(fixture.ann.id);
        for secret in [
            session.nonce.as_str(),
            login.password.as_ref().unwrap().expose(),
            fixture.ann.token.as_str(),
            &history[0].hash.to_string(),
            &history[0].private.as_ref().unwrap().salt,
        ] {
            assert!(!text.contains(secret), "{secret}");
        }
    }

    #[tokio::test]
    async fn a_long_history_is_whole_and_others_are_not_in_it() {
        let fixture = Fixture::new().await;
        for number in 1..=2 * PAGE {
            let roles = Roles::from([format!("r{number}").parse().unwrap()]);
            let assign = |ann: &User, metadata: &_| Ok(ann.assign_roles(roles, metadata)?.unwrap());
            fixture.backend.change(fixture.ann.id, assign).await;
        }
        let ann = fixture.backend.sign_in(&fixture.ann()).await;
        let fixture = Fixture { ann, ..fixture };
        let body = endpoint().send(&fixture).await.body;
        let history = body["history"].as_array().unwrap();
        let versions: Vec<_> = history
            .iter()
            .map(|entry| entry["version"].as_u64())
            .collect();
        let expected: Vec<_> = (1..=1 + 2 * PAGE as u64).map(Some).collect();
        assert_eq!(versions, expected);
        assert!(!body.to_string().contains(&fixture.bob.id.to_string()));
        assert!(!body.to_string().contains("bob@"));
    }
}
