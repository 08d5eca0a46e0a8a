//! The query: where a user is signed in.

use std::sync::Arc;

use shared::{
    application::{
        known_ring::KnownRing,
        ports::{Clock, SessionRepository, UserRepository},
    },
    domain::{Refusal, Result, Session, UserId},
};

pub struct ListSessions {
    pub users: Arc<dyn UserRepository>,
    pub sessions: Arc<dyn SessionRepository>,
    pub ring: Arc<KnownRing>,
    pub clock: Arc<dyn Clock>,
}

/// Whose.
#[derive(Debug)]
pub struct Query {
    pub user_id: UserId,
}

impl ListSessions {
    /// The sessions that live, newest first.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn execute(&self, query: &Query) -> Result<Vec<Session>> {
        let (user, mut sessions, epoch) = tokio::try_join!(
            self.users.find(query.user_id),
            self.sessions.list(query.user_id),
            self.ring.epoch()
        )?;
        let user = user.ok_or(Refusal::NotFound)?;
        let now = self.clock.now();
        sessions.retain(|session| session.is_live(&user, epoch, now));
        Ok(sessions)
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        domain::{audit::Trace, event::EndReason},
        lambda::http::Access,
    };
    use testing::{Endpoint, FakeBackend, Fixture, Principal, TestRequest, Value, json};

    use super::*;
    use crate::handler;

    fn endpoint() -> Endpoint {
        let request = TestRequest::new("GET", "/users/{id}/sessions");
        Endpoint::new(handler::ACCESS, handler::handle, service).request(request, 200)
    }

    fn service(backend: &Arc<FakeBackend>) -> ListSessions {
        ListSessions {
            users: backend.clone(),
            sessions: backend.clone(),
            ring: backend.known_ring(),
            clock: backend.clone(),
        }
    }

    /// Ids of Ann's sessions as the sender sees them, and whether each is the one that asks.
    async fn listed(fixture: &Fixture, sender: Principal) -> Vec<(Value, Value)> {
        let answer = endpoint().sender(sender).send(fixture).await;
        assert_eq!(answer.status, 200);
        let data = answer.body["data"].as_array().unwrap();
        data.iter()
            .map(|session| (session["id"].clone(), session["current"].clone()))
            .collect()
    }

    #[tokio::test]
    async fn the_owner_and_administrators_may() {
        endpoint().admits(Access::OWNER_OR_SUPPORT).await;
    }

    #[tokio::test]
    async fn a_session_is_shown_with_its_client() {
        let fixture = Fixture::new().await;
        let answer = endpoint().send(&fixture).await;
        let session = fixture.backend.sessions_of(fixture.ann.id).remove(0);
        let expected = json!({"data": [{
            "id": session.id, "current": true, "createdAt": session.created_at,
            "lastUsedAt": session.last_used_at, "expiresAt": session.expires_at,
            "methods": ["pwd"], "sourceAddress": "203.0.113.9", "userAgent": "browser",
        }]});
        assert_eq!(answer.body, expected, "and no nonce");
    }

    #[tokio::test]
    async fn only_live_sessions_are_listed() {
        let fixture = Fixture::new().await;
        let phone = fixture.backend.sign_in(&fixture.ann()).await;
        let laptop = json!(fixture.ann.session_id);
        let both = [
            (json!(phone.session_id), json!(false)),
            (laptop.clone(), json!(true)),
        ];
        assert_eq!(listed(&fixture, Principal::Owner).await, both);

        let metadata = fixture.backend.metadata();
        let event = Session::ended(phone.id, phone.session_id, EndReason::SignedOut, &metadata);
        let sessions: &dyn SessionRepository = fixture.backend.as_ref();
        assert!(
            sessions
                .end(phone.id, phone.session_id, &event, &Trace::default())
                .await
                .unwrap()
        );
        let one = [(laptop, json!(false))];
        assert_eq!(listed(&fixture, Principal::Admin).await, one);

        fixture
            .backend
            .tamper(phone.id, |user| user.auth_epoch += 1);
        assert_eq!(listed(&fixture, Principal::Admin).await, []);
    }

    #[tokio::test]
    async fn sessions_of_before_the_epoch_are_not_listed() {
        let fixture = Fixture::new().await;
        let backend = &fixture.backend;
        let list = service(backend);
        let query = Query {
            user_id: fixture.ann.id,
        };
        assert_eq!(list.execute(&query).await.unwrap().len(), 1);
        backend.advance(std::time::Duration::from_secs(5));
        backend.begin_epoch(backend.now());
        assert_eq!(list.execute(&query).await.unwrap(), []);
    }
}
