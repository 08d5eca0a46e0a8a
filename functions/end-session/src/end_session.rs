//! The use case: a user signs out: of one session, or the current one.

use std::sync::Arc;

use shared::{
    application::{
        ports::SessionRepository,
        user_updates::{Target, UserUpdates},
    },
    domain::{Refusal, Result, Session, SessionId, audit::Trace, event::EndReason},
};

pub struct EndSession {
    pub sessions: Arc<dyn SessionRepository>,
    /// Whether the caller may change the user.
    pub updates: UserUpdates,
}

/// What is to end.
#[derive(Debug)]
pub struct Command {
    /// Whose.
    pub target: Target,
    pub which: Which,
}

/// Which sessions of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    One(SessionId),
    /// The one that asks; fine if it is over.
    Current(SessionId),
}

impl EndSession {
    /// Ends what is to end. The refresh token of an ended session does not count any more, nor do its
    /// access tokens once no process remembers that they were good.
    ///
    /// # Errors
    /// `NotFound` if there is no such user, or the user has no such session that lasts; `Forbidden` if the
    /// caller may not change the user.
    pub async fn execute(&self, command: Command) -> Result<()> {
        let Command { target, which } = command;
        match which {
            Which::One(id) => {
                // Of two writes on two tables neither can wait for the other: a user who gets a role in
                // this moment loses a session, no more.
                self.updates.check(&target).await?;
                let ended = self.end(&target, id).await?;
                ended.then_some(()).ok_or(Refusal::NotFound.into())
            }
            Which::Current(id) => self.end(&target, id).await.map(|_| ()),
        }
    }

    async fn end(&self, target: &Target, id: SessionId) -> Result<bool> {
        let metadata = self.updates.env.metadata(target.origin.clone())?;
        let event = Session::ended(target.id, id, EndReason::SignedOut, &metadata);
        let from = Trace::of(&target.origin);
        self.sessions.end(target.id, id, &event, &from).await
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        application::ports::Clock as _,
        domain::{Actor, DeploymentEpoch, EventKind, Refusal},
        lambda::http::Access,
    };
    use testing::{Answer, Endpoint, Fixture, Principal, TestRequest};

    use super::*;
    use crate::handler;

    fn endpoint(request: TestRequest) -> Endpoint {
        Endpoint::new(handler::ACCESS, handler::handle, |backend| EndSession {
            sessions: backend.clone(),
            updates: backend.user_updates(),
        })
        .request(request, 204)
        .done_again(&Refusal::Unauthenticated)
    }

    fn one(session: &str) -> TestRequest {
        let request = TestRequest::new("DELETE", "/users/{id}/sessions/{sid}");
        request.parameter("sid", session)
    }

    fn current() -> TestRequest {
        TestRequest::new("DELETE", "/sessions/current")
    }

    async fn answer(fixture: &Fixture, request: TestRequest) -> Answer {
        endpoint(current()).answer(&fixture.backend, request).await
    }

    fn live(fixture: &Fixture) -> Vec<SessionId> {
        let user = fixture.ann();
        let now = fixture.backend.now();
        let sessions = fixture.backend.sessions_of(user.id);
        let live = sessions
            .iter()
            .filter(|session| session.is_live(&user, DeploymentEpoch::FIRST, now));
        live.map(|session| session.id).collect()
    }

    /// Requests about a session of Ann, which a new one is each time.
    fn of_ann() -> Endpoint {
        endpoint(TestRequest::new("DELETE", "/users/{id}/sessions/{sid}")).given(
            async |fixture, request| {
                let phone = fixture.backend.sign_in(&fixture.ann()).await;
                request.parameter("sid", &phone.session_id.to_string())
            },
        )
    }

    #[tokio::test]
    async fn the_owner_and_administrators_may() {
        of_ann()
            .admits(Access::OWNER_OR_SUPPORT.recent_unless_current())
            .await;
    }

    #[tokio::test]
    async fn an_end_survives_every_fault() {
        let is_done = async |fixture: &Fixture| live(fixture).is_empty();
        endpoint(current()).survives_every_fault(is_done).await;
    }

    #[tokio::test]
    async fn one_session_ends_and_the_other_lasts() {
        let fixture = Fixture::new().await;
        let phone = fixture.backend.sign_in(&fixture.ann()).await;
        let request = || {
            let request = one(&phone.session_id.to_string()).id(&phone.id);
            request.bearer(&fixture.admin.token)
        };
        assert_eq!(answer(&fixture, request()).await.status, 204);
        assert_eq!(live(&fixture), [fixture.ann.session_id]);
        let event = fixture.backend.outbox().pop().unwrap();
        let by_admin = Actor::User(fixture.admin.id);
        assert_eq!(
            (event.kind, event.actor),
            (EventKind::SessionEnded, by_admin)
        );
        assert_eq!(event.user_id, Some(phone.id));
        assert_eq!(event.data.session_id, Some(phone.session_id));
        assert_eq!(event.data.reason, Some(EndReason::SignedOut));
        let again = answer(&fixture, request()).await;
        assert_eq!(again.problem(), (404, "not-found"));
    }

    #[tokio::test]
    async fn another_session_takes_a_recent_sign_in_and_ones_own_never_does() {
        let fixture = Fixture::new().await;
        let phone = fixture.backend.sign_in(&fixture.ann()).await;
        let own = fixture.ann.session_id.to_string();
        let end = async |request: TestRequest| {
            let request = request.id("me").bearer(&fixture.ann.old_token);
            answer(&fixture, request).await
        };
        let refused = end(one(&phone.session_id.to_string())).await;
        assert_eq!(refused.problem(), (401, "recent-sign-in-required"));
        assert_eq!(live(&fixture).len(), 2);
        assert_eq!(end(one(&own)).await.status, 204);
        assert_eq!(live(&fixture), [phone.session_id]);
        let old = current().bearer(&phone.old_token);
        assert_eq!(answer(&fixture, old).await.status, 204);
        assert_eq!(live(&fixture), []);
    }

    #[tokio::test]
    async fn support_ends_no_session_of_a_user_with_a_role() {
        let fixture = Fixture::new().await;
        let support = fixture.token(Principal::Support).await.unwrap();
        for (person, status) in [(&fixture.admin, 403), (&fixture.ann, 204)] {
            let request = one(&person.session_id.to_string()).id(&person.id);
            let answer = answer(&fixture, request.bearer(&support)).await;
            assert_eq!(answer.status, status);
            let session = &fixture.backend.sessions_of(person.id)[0];
            assert_eq!(session.ended_at.is_some(), status == 204);
        }
    }

    #[tokio::test]
    async fn a_session_of_another_user_is_not_found() {
        let fixture = Fixture::new().await;
        for session in [&fixture.ann.session_id.to_string(), "x"] {
            let request = one(session).id("me").bearer(&fixture.bob.token);
            let answer = answer(&fixture, request).await;
            assert_eq!(answer.problem(), (404, "not-found"));
        }
        assert_eq!(live(&fixture), [fixture.ann.session_id]);
    }

    #[tokio::test]
    async fn signing_out_ends_the_session_that_asks() {
        let fixture = Fixture::new().await;
        assert_eq!(answer(&fixture, current()).await.status, 401);
        for expected in [204, 401] {
            let request = current().bearer(&fixture.ann.token);
            assert_eq!(answer(&fixture, request).await.status, expected);
            assert_eq!(live(&fixture), []);
        }
        let ends = fixture.backend.outbox().into_iter();
        let ends = ends.filter(|event| event.kind == EventKind::SessionEnded);
        assert_eq!(ends.count(), 1);
    }
}
