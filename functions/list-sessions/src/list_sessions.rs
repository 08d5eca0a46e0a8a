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
        domain::{Origin, session::EndReason},
        lambda::http::{Access, Call, Reply},
    };
    use testing::{
        Person, World,
        fixture::{Route, Stage},
        sample::Sample,
    };

    use super::*;
    use crate::handler;

    fn service(world: &Arc<World>) -> ListSessions {
        ListSessions {
            users: world.clone(),
            sessions: world.clone(),
            clock: world.clone(),
        }
    }

    fn route() -> Route<ListSessions, impl AsyncFn(Arc<ListSessions>, Call) -> Reply> {
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
    async fn listed(stage: &Stage, person: &Person) -> Vec<(Value, Value)> {
        let request = sample(&stage.ann.id.to_string()).bearer(&person.token);
        let answer = route().answer(&stage.world, request).await.unwrap();
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
        let stage = Stage::set().await.unwrap();
        let request = sample("me").bearer(&stage.ann.token);
        let answer = route().answer(&stage.world, request).await.unwrap();
        let session = stage.world.sessions_of(stage.ann.id).remove(0);
        let expected = json!({"data": [{
            "id": session.id, "current": true, "createdAt": session.created_at,
            "lastUsedAt": session.last_used_at, "expiresAt": session.expires_at,
            "methods": ["pwd"], "sourceAddress": "203.0.113.9", "userAgent": "browser",
        }]});
        assert_eq!(answer.body, expected, "and no nonce");
    }

    #[tokio::test]
    async fn only_sessions_that_live_are_listed() {
        let stage = Stage::set().await.unwrap();
        let ann = stage.world.user(stage.ann.id).unwrap();
        let phone = stage.world.enter(&ann).await.unwrap();
        let (laptop, phone) = (json!(stage.ann.session_id), json!(phone.session_id));
        let both = [(phone, json!(false)), (laptop.clone(), json!(true))];
        assert_eq!(listed(&stage, &stage.ann).await, both);

        let occasion = stage.world.circumstances().occasion(Origin::system("test"));
        let phone: shared::domain::SessionId = both[0].0.as_str().unwrap().parse().unwrap();
        let reason = EndReason::SignedOut;
        let event = Session::ended(ann.id, phone, reason, &occasion.unwrap());
        let ended = SessionRepository::end(stage.world.as_ref(), ann.id, phone, &event).await;
        assert!(ended.unwrap());
        assert_eq!(listed(&stage, &stage.admin).await, [(laptop, json!(false))]);

        stage.world.tamper(ann.id, |user| user.auth_epoch += 1);
        assert_eq!(listed(&stage, &stage.admin).await, []);
    }
}
