//! The use case: a user signs out everywhere.

use shared::{
    application::user_updates::{Target, UserUpdates},
    domain::Result,
};

pub struct EndSessions {
    pub updates: UserUpdates,
}

impl EndSessions {
    /// Ends every session of the user, and every access token at once.
    ///
    /// # Errors
    /// `NotFound` if there is no such user; `PreconditionFailed`.
    pub async fn execute(&self, target: &Target) -> Result<()> {
        self.updates
            .update(target, |user, metadata| {
                Ok(Some(user.end_sessions(metadata)))
            })
            .await
            .map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        application::ports::Clock as _,
        domain::{Authority, DeploymentEpoch, Error, EventKind, Origin, Refusal, Role, User},
        lambda::http::Access,
    };
    use testing::{Endpoint, Fixture, TestRequest};

    use super::*;
    use crate::handler;

    fn endpoint() -> Endpoint {
        Endpoint::new(handler::ACCESS, handler::handle, |backend| EndSessions {
            updates: backend.user_updates(),
        })
        .request(TestRequest::new("DELETE", "/users/{id}/sessions"), 204)
        .done_again(&Refusal::Unauthenticated)
    }

    fn live(fixture: &Fixture) -> usize {
        let (user, now) = (fixture.ann(), fixture.backend.now());
        let sessions = fixture.backend.sessions_of(user.id).into_iter();
        sessions
            .filter(|session| session.is_live(&user, DeploymentEpoch::FIRST, now))
            .count()
    }

    #[tokio::test]
    async fn the_owner_and_administrators_may() {
        endpoint().admits(Access::OWNER_OR_SUPPORT.recent()).await;
    }

    #[tokio::test]
    async fn a_role_given_meanwhile_protects_from_support() {
        let fixture = Fixture::new().await;
        let target = Target {
            id: fixture.ann.id,
            expected: None,
            origin: Origin::system("test"),
            authority: Authority::Support,
        };
        let updates = fixture.backend.user_updates();
        let meanwhile = |user: &mut User| {
            user.roles.insert(Role::stored("editor".to_owned()));
            user.version = user.version.next();
        };
        let ended = updates.update(&target, |user, metadata| {
            fixture.backend.tamper(user.id, meanwhile);
            Ok(Some(user.end_sessions(metadata)))
        });
        let refused = ended.await.unwrap_err();
        assert!(matches!(refused, Error::Refused(Refusal::Forbidden)));
        assert_eq!(fixture.ann().auth_epoch, 0, "nothing ended");
    }

    #[tokio::test]
    async fn a_stale_version_ends_nothing() {
        endpoint().refuses_a_stale_version().await;
    }

    #[tokio::test]
    async fn an_end_survives_every_fault() {
        let is_done = async |fixture: &Fixture| live(fixture) == 0;
        endpoint().survives_every_fault(is_done).await;
    }

    #[tokio::test]
    async fn all_sessions_end_and_every_token_with_them() {
        let fixture = Fixture::new().await;
        fixture.backend.sign_in(&fixture.ann()).await;
        assert_eq!(endpoint().send(&fixture).await.status, 204);
        assert_eq!(live(&fixture), 0);
        let event = fixture.backend.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::UserSessionsEnded);
        let again = endpoint().send(&fixture).await;
        assert_eq!(again.status, 401, "the token is invalid");
    }
}
