//! The use case: somebody signs out, here, there or everywhere.

use std::sync::Arc;

use shared::{
    application::{
        ports::SessionRepository,
        user_updates::{Target, UserUpdates},
    },
    domain::{Refusal, Result, Session, SessionId, event::EndReason},
};

/// Ends sessions.
pub struct EndSession {
    /// Where sessions are kept.
    pub sessions: Arc<dyn SessionRepository>,
    /// Changes users.
    pub updates: UserUpdates,
}

/// What is to end.
#[derive(Debug)]
pub struct Command {
    /// Whose.
    pub target: Target,
    /// Which.
    pub which: Which,
}

/// Which sessions of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// This one.
    One(SessionId),
    /// The one that asks; fine if it is over.
    Current(SessionId),
    /// All of them, and every access token at once.
    All,
}

impl EndSession {
    /// Ends what is to end. The refresh token of an ended session does not count any more; an access
    /// token of it, which no table is asked about, lives out its ten minutes, unless all end.
    ///
    /// # Errors
    /// `NotFound` if there is no such user, or the user has no such session that lasts;
    /// `PreconditionFailed`.
    pub async fn execute(&self, command: Command) -> Result<()> {
        let Command { target, which } = command;
        match which {
            Which::One(id) => {
                let ended = self.end(&target, id).await?;
                ended.then_some(()).ok_or(Refusal::NotFound.into())
            }
            Which::Current(id) => self.end(&target, id).await.map(|_| ()),
            Which::All => self
                .updates
                .update(&target, |user, metadata| {
                    Ok(Some(user.end_sessions(metadata)))
                })
                .await
                .map(|_| ()),
        }
    }

    /// Whether this ended it.
    async fn end(&self, target: &Target, id: SessionId) -> Result<bool> {
        let metadata = self.updates.env.metadata(target.origin.clone())?;
        let event = Session::ended(target.id, id, EndReason::SignedOut, &metadata);
        self.sessions.end(target.id, id, &event).await
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        application::ports::Clock as _,
        domain::{Actor, EventKind, Origin},
        lambda::http::{Access, Request, Response},
    };
    use testing::{
        FakeBackend, Fault,
        fixture::{Answer, Fixture, Route},
        sample::Sample,
    };

    use super::*;
    use crate::handler;

    fn service(backend: &Arc<FakeBackend>) -> EndSession {
        EndSession {
            sessions: backend.clone(),
            updates: UserUpdates {
                users: backend.clone(),
                env: backend.env(),
            },
        }
    }

    fn route() -> Route<EndSession, impl AsyncFn(Arc<EndSession>, Request) -> Response> {
        Route {
            access: handler::ACCESS,
            service,
            handle: handler::handle,
        }
    }

    fn one(user: &str, session: SessionId) -> Sample {
        let session = session.to_string();
        Sample::of_user("DELETE", user, &format!("/sessions/{session}")).parameter("sid", &session)
    }

    fn all(user: &str) -> Sample {
        Sample::of_user("DELETE", user, "/sessions")
    }

    fn current() -> Sample {
        Sample::new("DELETE", "/sessions/current")
    }

    async fn answer(fixture: &Fixture, request: Sample) -> Answer {
        route().answer(&fixture.backend, request).await.unwrap()
    }

    fn live(fixture: &Fixture) -> Vec<SessionId> {
        let user = fixture.backend.user(fixture.ann.id).unwrap();
        let now = fixture.backend.now();
        let sessions = fixture.backend.sessions_of(user.id);
        let live = sessions
            .iter()
            .filter(|session| session.is_live(&user, now));
        live.map(|session| session.id).collect()
    }

    #[tokio::test]
    async fn the_owner_and_administrators_may() {
        let route = route();
        let admitted = route.admits(Access::OwnerOrAdmin, 204, |_, id| all(id));
        admitted.await.unwrap();
    }

    #[tokio::test]
    async fn one_session_ends_and_the_other_lasts() {
        let fixture = Fixture::new().await.unwrap();
        let ann = fixture.backend.user(fixture.ann.id).unwrap();
        let phone = fixture.backend.sign_in(&ann).await.unwrap();
        let request = || one(&ann.id.to_string(), phone.session_id).bearer(&fixture.admin.token);
        assert_eq!(answer(&fixture, request()).await.status, 204);
        assert_eq!(live(&fixture), [fixture.ann.session_id]);
        let event = fixture.backend.outbox().pop().unwrap();
        assert_eq!(
            (event.kind, event.actor, event.user_id),
            (
                EventKind::SessionEnded,
                Actor::User(fixture.admin.id),
                Some(ann.id)
            )
        );
        assert_eq!(event.data.session_id, Some(phone.session_id));
        assert_eq!(event.data.reason, Some(EndReason::SignedOut));
        assert_eq!(
            answer(&fixture, request()).await.problem(),
            (404, "not-found")
        );
    }

    #[tokio::test]
    async fn a_session_of_somebody_else_is_not_found() {
        let fixture = Fixture::new().await.unwrap();
        let request = one("me", fixture.ann.session_id).bearer(&fixture.bob.token);
        assert_eq!(
            answer(&fixture, request).await.problem(),
            (404, "not-found")
        );
        let request = Sample::of_user("DELETE", "me", "/sessions/x").parameter("sid", "x");
        let answer = answer(&fixture, request.bearer(&fixture.bob.token)).await;
        assert_eq!(answer.problem(), (404, "not-found"));
        assert_eq!(live(&fixture), [fixture.ann.session_id]);
    }

    #[tokio::test]
    async fn signing_out_ends_the_session_that_asks() {
        let fixture = Fixture::new().await.unwrap();
        assert_eq!(answer(&fixture, current()).await.status, 401);
        for _ in 0..2 {
            let request = current().bearer(&fixture.ann.token);
            assert_eq!(answer(&fixture, request).await.status, 204);
            assert_eq!(live(&fixture), []);
        }
        let ends = fixture.backend.outbox().into_iter();
        let ends = ends.filter(|event| event.kind == EventKind::SessionEnded);
        assert_eq!(ends.count(), 1);
    }

    #[tokio::test]
    async fn all_sessions_end_and_every_token_with_them() {
        let fixture = Fixture::new().await.unwrap();
        let ann = fixture.backend.user(fixture.ann.id).unwrap();
        fixture.backend.sign_in(&ann).await.unwrap();
        let request = || all("me").bearer(&fixture.ann.token);
        assert_eq!(answer(&fixture, request()).await.status, 204);
        assert_eq!(live(&fixture), []);
        let event = fixture.backend.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::UserSessionsEnded);
        assert_eq!(
            answer(&fixture, request()).await.status,
            401,
            "the token is dead"
        );
    }

    /// Whatever fails wherever, after a repetition the session is over, by one event.
    #[tokio::test]
    async fn an_end_survives_every_fault() {
        for which in [Which::Current, |_| Which::All] {
            let tried = FakeBackend::try_every_fault(async |fault: Fault| {
                let fixture = Fixture::new().await.unwrap();
                let service = service(&fixture.backend);
                let command = || Command {
                    target: Target {
                        id: fixture.ann.id,
                        expected: None,
                        origin: Origin::system("test"),
                    },
                    which: which(fixture.ann.session_id),
                };
                let ended = service.execute(command());
                let (_, fired) = fixture.backend.with_fault(fault, ended).await;
                service.execute(command()).await.unwrap();
                assert_eq!(live(&fixture), [], "{fault:?}");
                fired
            })
            .await;
            assert!(tried >= 4, "{tried}");
        }
    }
}
