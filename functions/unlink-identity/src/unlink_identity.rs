//! The use case: a user unlinks an identity at an OpenID provider.

use std::sync::Arc;

use shared::{
    application::{
        ports::SessionRepository,
        user_updates::{Target, UserUpdates},
    },
    domain::{LoginKey, Refusal, Result, SessionId, User},
};

/// Unlinks identities.
pub struct UnlinkIdentity {
    /// Where sessions are kept.
    pub sessions: Arc<dyn SessionRepository>,
    /// Changes users.
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
    /// Unlinks the identity: nobody may sign in by it any more, and every session ends but the one
    /// that asks, for one of them may have begun by it.
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
        domain::{Error, EventKind, Origin, UserId, identity::IdentityId, user::NewMember},
        lambda::http::{Access, Request, Response},
    };
    use testing::{
        FakeBackend, Fault,
        fixture::{Answer, Fixture, Route},
        identity,
        sample::Sample,
    };

    use super::*;
    use crate::handler;

    fn service(backend: &Arc<FakeBackend>) -> UnlinkIdentity {
        UnlinkIdentity {
            sessions: backend.clone(),
            updates: UserUpdates {
                users: backend.clone(),
                env: backend.env(),
            },
        }
    }

    fn route() -> Route<UnlinkIdentity, impl AsyncFn(Arc<UnlinkIdentity>, Request) -> Response> {
        Route {
            access: handler::ACCESS,
            service,
            handle: handler::handle,
        }
    }

    fn id(subject: &str) -> IdentityId {
        IdentityId::of(&identity("a", subject))
    }

    fn request(user: &str, subject: &str) -> Sample {
        let id = id(subject);
        let path = format!("/identities/{}", id.as_str());
        Sample::of_user("DELETE", user, &path).parameter("identity", id.as_str())
    }

    async fn link(backend: &Arc<FakeBackend>, user: UserId, subject: &str) {
        let env = backend.env();
        let metadata = env.metadata(Origin::system("test")).unwrap();
        let user = backend.user(user).unwrap();
        let change = user.link(&identity("a", subject), &metadata).unwrap();
        backend.commit(&change.unwrap()).await.unwrap();
    }

    /// Ann has an identity.
    async fn fixture() -> Fixture {
        let fixture = Fixture::new().await.unwrap();
        link(&fixture.backend, fixture.ann.id, "1").await;
        fixture
    }

    async fn delete(fixture: &Fixture, token: &str, subject: &str) -> Answer {
        let request = request("me", subject).bearer(token);
        route().answer(&fixture.backend, request).await.unwrap()
    }

    #[tokio::test]
    async fn only_the_owner_may() {
        let route = Route {
            access: handler::ACCESS,
            service: |backend| {
                for user in backend.users() {
                    backend.tamper(user.id, |user| user.logins.push(identity("a", "1")));
                }
                service(backend)
            },
            handle: handler::handle,
        };
        let admitted = route.admits(Access::Owner, 204, |_, user| request(user, "1"));
        admitted.await.unwrap();
    }

    #[tokio::test]
    async fn an_identity_of_somebody_else_is_not_found() {
        let fixture = fixture().await;
        let foreign = delete(&fixture, &fixture.bob.token, "1").await;
        assert_eq!(foreign.problem(), (404, "not-found"));
    }

    #[tokio::test]
    async fn an_identity_is_unlinked_and_all_sessions_end_but_one() {
        let fixture = fixture().await;
        let ann = fixture.backend.user(fixture.ann.id).unwrap();
        let phone = fixture.backend.sign_in(&ann).await.unwrap();
        assert_eq!(delete(&fixture, &fixture.ann.token, "1").await.status, 204);
        let ann = fixture.backend.user(ann.id).unwrap();
        assert_eq!(ann.identities().count(), 0);
        let event = fixture.backend.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::UserIdentityUnlinked);
        let epochs = fixture.backend.sessions_of(ann.id).into_iter();
        let live: Vec<_> = epochs
            .filter(|session| session.auth_epoch == ann.auth_epoch)
            .map(|session| session.id)
            .collect();
        assert_eq!(live, [fixture.ann.session_id]);
        let again = delete(&fixture, &phone.token, "1").await;
        assert_eq!(again.problem(), (401, "unauthenticated"));
    }

    #[tokio::test]
    async fn the_last_way_to_sign_in_stays() {
        let fixture = Fixture::new().await.unwrap();
        let env = fixture.backend.env();
        let metadata = env.metadata(Origin::system("test")).unwrap();
        let new = NewMember {
            id: UserId::new(metadata.now, [5; 10]),
            email: "eve@example.com".parse().unwrap(),
            email_verified: true,
            name: "Eve".parse().unwrap(),
            identity: identity("a", "1"),
        };
        let change = User::create_member(new, &metadata);
        let eve = fixture.backend.commit(&change).await.unwrap();
        let token = fixture.backend.sign_in(&eve).await.unwrap().token;
        let last = delete(&fixture, &token, "1").await;
        assert_eq!(last.problem(), (409, "last-login"));
        link(&fixture.backend, eve.id, "2").await;
        assert_eq!(delete(&fixture, &token, "1").await.status, 204);
    }

    #[tokio::test]
    async fn an_unlinking_survives_every_fault() {
        let tried = FakeBackend::try_every_fault(async |fault: Fault| {
            let fixture = fixture().await;
            let service = service(&fixture.backend);
            let unlink = || {
                service.execute(Command {
                    target: Target {
                        id: fixture.ann.id,
                        expected: None,
                        origin: Origin::system("test"),
                    },
                    session_id: fixture.ann.session_id,
                    identity: id("1").as_str().to_owned(),
                })
            };
            let (_, fired) = fixture.backend.with_fault(fault, unlink()).await;
            let again = unlink().await;
            let is_done = matches!(again, Ok(()) | Err(Error::Refused(Refusal::NotFound)));
            assert!(is_done, "{fault:?}: {again:?}");
            let ann = fixture.backend.user(fixture.ann.id).unwrap();
            assert_eq!((ann.identities().count(), ann.version.get()), (0, 3));
            fired
        })
        .await;
        assert_eq!(tried, 4 * 4, "four calls, each with four faults");
    }
}
