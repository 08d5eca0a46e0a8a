//! The use case: somebody signs out, here, there or everywhere.

use std::sync::Arc;

use shared::{
    application::{
        ports::SessionRepository,
        user_updates::{Changing, Target},
    },
    domain::{Refusal, Result, Session, SessionId, session::EndReason},
};

/// Ends sessions.
pub struct EndSession {
    /// Where sessions are kept.
    pub sessions: Arc<dyn SessionRepository>,
    /// Changes users.
    pub changing: Changing,
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
                .changing
                .change_target(&target, |user, occasion| {
                    Ok(Some(user.end_sessions(occasion)))
                })
                .await
                .map(|_| ()),
        }
    }

    /// Whether this ended it.
    async fn end(&self, target: &Target, id: SessionId) -> Result<bool> {
        let occasion = self
            .changing
            .circumstances
            .occasion(target.origin.clone())?;
        let event = Session::ended(target.id, id, EndReason::SignedOut, &occasion);
        self.sessions.end(target.id, id, &event).await
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        application::ports::Clock as _,
        domain::{Actor, EventKind, Origin},
        lambda::http::{Access, Call, Reply},
    };
    use testing::{
        Fault, World,
        fixture::{Answer, Route, Stage},
        sample::Sample,
    };

    use super::*;
    use crate::handler;

    fn service(world: &Arc<World>) -> EndSession {
        EndSession {
            sessions: world.clone(),
            changing: Changing {
                users: world.clone(),
                circumstances: world.circumstances(),
            },
        }
    }

    fn route() -> Route<EndSession, impl AsyncFn(Arc<EndSession>, Call) -> Reply> {
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

    async fn answer(stage: &Stage, request: Sample) -> Answer {
        route().answer(&stage.world, request).await.unwrap()
    }

    fn live(stage: &Stage) -> Vec<SessionId> {
        let user = stage.world.user(stage.ann.id).unwrap();
        let now = stage.world.now();
        let sessions = stage.world.sessions_of(user.id);
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
        let stage = Stage::set().await.unwrap();
        let ann = stage.world.user(stage.ann.id).unwrap();
        let phone = stage.world.enter(&ann).await.unwrap();
        let request = || one(&ann.id.to_string(), phone.session_id).bearer(&stage.admin.token);
        assert_eq!(answer(&stage, request()).await.status, 204);
        assert_eq!(live(&stage), [stage.ann.session_id]);
        let event = stage.world.outbox().pop().unwrap();
        assert_eq!(
            (event.kind, event.actor, event.user_id),
            (
                EventKind::SessionEnded,
                Actor::User(stage.admin.id),
                Some(ann.id)
            )
        );
        assert_eq!(event.data.session_id, Some(phone.session_id));
        assert_eq!(event.data.reason, Some(EndReason::SignedOut));
        assert_eq!(
            answer(&stage, request()).await.problem(),
            (404, "not-found")
        );
    }

    #[tokio::test]
    async fn a_session_of_somebody_else_is_not_found() {
        let stage = Stage::set().await.unwrap();
        let request = one("me", stage.ann.session_id).bearer(&stage.bob.token);
        assert_eq!(answer(&stage, request).await.problem(), (404, "not-found"));
        let request = Sample::of_user("DELETE", "me", "/sessions/x").parameter("sid", "x");
        let answer = answer(&stage, request.bearer(&stage.bob.token)).await;
        assert_eq!(answer.problem(), (404, "not-found"));
        assert_eq!(live(&stage), [stage.ann.session_id]);
    }

    #[tokio::test]
    async fn signing_out_ends_the_session_that_asks() {
        let stage = Stage::set().await.unwrap();
        assert_eq!(answer(&stage, current()).await.status, 401);
        for _ in 0..2 {
            let request = current().bearer(&stage.ann.token);
            assert_eq!(answer(&stage, request).await.status, 204);
            assert_eq!(live(&stage), []);
        }
        let ends = stage.world.outbox().into_iter();
        let ends = ends.filter(|event| event.kind == EventKind::SessionEnded);
        assert_eq!(ends.count(), 1);
    }

    #[tokio::test]
    async fn all_sessions_end_and_every_token_with_them() {
        let stage = Stage::set().await.unwrap();
        let ann = stage.world.user(stage.ann.id).unwrap();
        stage.world.enter(&ann).await.unwrap();
        let request = || all("me").bearer(&stage.ann.token);
        assert_eq!(answer(&stage, request()).await.status, 204);
        assert_eq!(live(&stage), []);
        let event = stage.world.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::UserSessionsEnded);
        assert_eq!(
            answer(&stage, request()).await.status,
            401,
            "the token is dead"
        );
    }

    /// Whatever fails wherever, after a repetition the session is over, by one event.
    #[tokio::test]
    async fn an_end_survives_every_fault() {
        for which in [Which::Current, |_| Which::All] {
            let tried = World::try_every_fault(async |fault: Fault| {
                let stage = Stage::set().await.unwrap();
                let service = service(&stage.world);
                let command = || Command {
                    target: Target {
                        id: stage.ann.id,
                        expected: None,
                        origin: Origin::system("test"),
                    },
                    which: which(stage.ann.session_id),
                };
                let ended = service.execute(command());
                let (_, fired) = stage.world.with_fault(fault, ended).await;
                service.execute(command()).await.unwrap();
                assert_eq!(live(&stage), [], "{fault:?}");
                fired
            })
            .await;
            assert!(tried >= 4, "{tried}");
        }
    }
}
