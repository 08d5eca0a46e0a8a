//! The use case: a user unlinks an identity at an OpenID provider.

use std::sync::Arc;

use shared::{
    application::{
        ports::SessionRepository,
        user_updates::{Target, UserUpdates},
    },
    domain::{LoginKey, Refusal, Result, SessionId, User},
};

pub struct UnlinkIdentity {
    pub sessions: Arc<dyn SessionRepository>,
    pub updates: UserUpdates,
}

/// An identity to be unlinked.
#[derive(Debug)]
pub struct Command {
    /// From whom.
    pub target: Target,
    /// The session that asks; it outlives the change.
    pub session_id: SessionId,
    /// The name of the identity.
    pub identity: String,
}

impl UnlinkIdentity {
    /// Unlinks the identity: nobody signs in by it any more unless the user links it again, and every
    /// session ends but the one that asks, for one of them may have begun by it.
    ///
    /// # Errors
    /// `NotFound` if the user has no such identity; `LastLogin` if it is the only way to sign in;
    /// `PreconditionFailed`.
    pub async fn execute(&self, command: Command) -> Result<()> {
        let Command {
            target,
            session_id,
            identity,
        } = command;
        let user = self.updates.load(&target).await?;
        let identity = user.identity(&identity).ok_or(Refusal::NotFound)?.clone();
        // A password that is there stays there, so what this says is still true when it is used.
        let has_password = self.has_password(&user).await?;
        let changed = self
            .updates
            .update_loaded(user, &target, |user, metadata| {
                user.unlink(&identity, has_password, metadata).map(Some)
            })
            .await?;
        self.sessions.keep(&changed, session_id).await;
        Ok(())
    }

    async fn has_password(&self, user: &User) -> Result<bool> {
        let key = LoginKey::Email(user.email.clone());
        let login = self.updates.users.find_login(&key).await?;
        Ok(login.is_some_and(|login| login.user_id == user.id && login.password.is_some()))
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        application::ports::UserRepository as _,
        domain::{EventKind, User, UserId, identity::IdentityId, user::NewMember},
        lambda::http::Access,
    };
    use testing::{Answer, Endpoint, FakeBackend, Fixture, TestRequest, identity};

    use super::*;
    use crate::handler;

    fn request(subject: &str) -> TestRequest {
        let id = IdentityId::of(&identity("a", subject));
        let request = TestRequest::new("DELETE", "/users/{id}/identities/{identity}");
        request.parameter("identity", id.as_str())
    }

    /// Ann has the identity `1`.
    fn endpoint() -> Endpoint {
        Endpoint::new(handler::ACCESS, handler::handle, |backend| UnlinkIdentity {
            sessions: backend.clone(),
            updates: backend.user_updates(),
        })
        .given(async |fixture, request| {
            link(&fixture.backend, fixture.ann.id, "1").await;
            request
        })
        .request(request("1"), 204)
        .done_again(&Refusal::Unauthenticated)
    }

    async fn link(backend: &Arc<FakeBackend>, user: UserId, subject: &str) {
        let identity = identity("a", subject);
        let link = |user: &User, metadata: &_| Ok(user.link(&identity, metadata)?.unwrap());
        backend.change(user, link).await;
    }

    async fn delete(backend: &Arc<FakeBackend>, token: &str) -> Answer {
        let request = request("1").id("me").bearer(token);
        endpoint().answer(backend, request).await
    }

    #[tokio::test]
    async fn only_the_owner_may() {
        endpoint().admits(Access::OWNER.recent()).await;
    }

    #[tokio::test]
    async fn an_unlinking_survives_every_fault() {
        let is_done = async |fixture: &Fixture| {
            let ann = fixture.ann();
            (ann.identities().count(), ann.version.get()) == (0, 3)
        };
        let calls = endpoint().survives_every_fault(is_done).await;
        assert_eq!(calls[3..].len(), 4, "{calls:?}");
    }

    #[tokio::test]
    async fn an_identity_of_another_user_is_not_found() {
        let fixture = Fixture::new().await;
        link(&fixture.backend, fixture.ann.id, "1").await;
        let answer = delete(&fixture.backend, &fixture.bob.token).await;
        assert_eq!(answer.problem(), (404, "not-found"));
    }

    #[tokio::test]
    async fn an_identity_is_unlinked_and_all_sessions_end_but_one() {
        let fixture = Fixture::new().await;
        let phone = fixture.backend.sign_in(&fixture.ann()).await;
        assert_eq!(endpoint().send(&fixture).await.status, 204);
        let ann = fixture.ann();
        assert_eq!(ann.identities().count(), 0);
        let event = fixture.backend.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::UserIdentityUnlinked);
        let sessions = fixture.backend.sessions_of(ann.id).into_iter();
        let live: Vec<_> = sessions
            .filter(|session| session.auth_epoch == ann.auth_epoch)
            .map(|session| session.id)
            .collect();
        assert_eq!(live, [fixture.ann.session_id]);
        let again = delete(&fixture.backend, &phone.token).await;
        assert_eq!(again.problem(), (401, "unauthenticated"));
    }

    #[tokio::test]
    async fn the_last_way_to_sign_in_stays() {
        let backend = FakeBackend::new();
        let metadata = backend.metadata();
        let new = NewMember {
            id: UserId::new(metadata.now, [5; 10]),
            email: "eve@example.com".parse().unwrap(),
            email_verified: true,
            name: "Eve".parse().unwrap(),
            identity: identity("a", "1"),
        };
        let change = User::create_member(new, &metadata);
        let eve = backend.commit(&change).await.unwrap();
        let token = backend.sign_in(&eve).await.token;
        let last = delete(&backend, &token).await;
        assert_eq!(last.problem(), (409, "last-login"));
        link(&backend, eve.id, "2").await;
        assert_eq!(delete(&backend, &token).await.status, 204);
    }
}
