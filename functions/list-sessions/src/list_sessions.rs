//! The query: where a user is signed in.

use std::sync::Arc;

use shared::{
    application::ports::{Clock, SessionRepository, UserRepository},
    domain::{Refusal, Result, Session, UserId},
};

/// Lists sessions.
pub struct ListSessions {
    /// Where users are kept.
    pub users: Arc<dyn UserRepository>,
    /// Where sessions are kept.
    pub sessions: Arc<dyn SessionRepository>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Whose.
#[derive(Debug)]
pub struct Query {
    /// The user.
    pub user_id: UserId,
}

impl ListSessions {
    /// The sessions that live, newest first.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn execute(&self, query: &Query) -> Result<Vec<Session>> {
        let (user, mut sessions) = tokio::try_join!(
            self.users.find(query.user_id),
            self.sessions.list(query.user_id)
        )?;
        let user = user.ok_or(Refusal::NotFound)?;
        let now = self.clock.now();
        sessions.retain(|session| session.is_live(&user, now));
        Ok(sessions)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use shared::{
        domain::{Origin, event::EndReason},
        lambda::http::{Access, Request, Response},
    };
    use testing::{
        FakeBackend, Person,
        fixture::{Fixture, Route},
        sample::Sample,
    };

    use super::*;
    use crate::handler;

    fn service(backend: &Arc<FakeBackend>) -> ListSessions {
        ListSessions {
            users: backend.clone(),
            sessions: backend.clone(),
            clock: backend.clone(),
        }
    }

    fn route() -> Route<ListSessions, impl AsyncFn(Arc<ListSessions>, Request) -> Response> {
        Route {
            access: handler::ACCESS,
            service,
            handle: handler::handle,
        }
    }

    fn sample(id: &str) -> Sample {
        Sample::of_user("GET", id, "/sessions")
    }

    /// Ids of Ann's sessions as `person` sees them, and which of them is the one that asks.
    async fn listed(fixture: &Fixture, person: &Person) -> Vec<(Value, Value)> {
        let request = sample(&fixture.ann.id.to_string()).bearer(&person.token);
        let answer = route().answer(&fixture.backend, request).await.unwrap();
        assert_eq!(answer.status, 200);
        let data = answer.body["data"].as_array().unwrap();
        data.iter()
            .map(|session| (session["id"].clone(), session["current"].clone()))
            .collect()
    }

    #[tokio::test]
    async fn the_owner_and_administrators_may() {
        let route = route();
        let admitted = route.admits(Access::OwnerOrAdmin, 200, |_, id| sample(id));
        admitted.await.unwrap();
    }

    #[tokio::test]
    async fn a_session_tells_where_it_is() {
        let fixture = Fixture::new().await.unwrap();
        let request = sample("me").bearer(&fixture.ann.token);
        let answer = route().answer(&fixture.backend, request).await.unwrap();
        let session = fixture.backend.sessions_of(fixture.ann.id).remove(0);
        let expected = json!({"data": [{
            "id": session.id, "current": true, "createdAt": session.created_at,
            "lastUsedAt": session.last_used_at, "expiresAt": session.expires_at,
            "methods": ["pwd"], "sourceAddress": "203.0.113.9", "userAgent": "browser",
        }]});
        assert_eq!(answer.body, expected, "and no nonce");
    }

    #[tokio::test]
    async fn only_sessions_that_live_are_listed() {
        let fixture = Fixture::new().await.unwrap();
        let ann = fixture.backend.user(fixture.ann.id).unwrap();
        let phone = fixture.backend.sign_in(&ann).await.unwrap();
        let (laptop, phone) = (json!(fixture.ann.session_id), json!(phone.session_id));
        let both = [(phone, json!(false)), (laptop.clone(), json!(true))];
        assert_eq!(listed(&fixture, &fixture.ann).await, both);

        let metadata = fixture.backend.env().metadata(Origin::system("test"));
        let phone: shared::domain::SessionId = both[0].0.as_str().unwrap().parse().unwrap();
        let reason = EndReason::SignedOut;
        let event = Session::ended(ann.id, phone, reason, &metadata.unwrap());
        let ended = SessionRepository::end(fixture.backend.as_ref(), ann.id, phone, &event).await;
        assert!(ended.unwrap());
        assert_eq!(
            listed(&fixture, &fixture.admin).await,
            [(laptop, json!(false))]
        );

        fixture.backend.tamper(ann.id, |user| user.auth_epoch += 1);
        assert_eq!(listed(&fixture, &fixture.admin).await, []);
    }
}
