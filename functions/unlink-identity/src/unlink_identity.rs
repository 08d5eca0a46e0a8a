//! The use case: a user unlinks an identity elsewhere.

use std::sync::Arc;

use shared::{
    application::{
        ports::SessionRepository,
        user_updates::{Changing, Target},
    },
    domain::{LoginKey, Refusal, Result, SessionId, User},
};

/// Unlinks identities.
pub struct UnlinkIdentity {
    /// Where sessions are kept.
    pub sessions: Arc<dyn SessionRepository>,
    /// Changes users.
    pub changing: Changing,
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
        let user = self.changing.load(&target).await?;
        let identity = user.identity(&identity).ok_or(Refusal::NotFound)?.clone();
        // A password that is there stays there, so what this says is still true when it is used.
        let has_password = self.has_password(&user).await?;
        let changed = self
            .changing
            .change_loaded(user, &target, |user, occasion| {
                user.unlink(&identity, has_password, occasion).map(Some)
            })
            .await?;
        self.confirm(&changed, session_id).await;
        Ok(())
    }

    async fn has_password(&self, user: &User) -> Result<bool> {
        let key = LoginKey::Email(user.email.clone());
        let login = self.changing.users.find_login(&key).await?;
        Ok(login.is_some_and(|login| login.user_id == user.id && login.password.is_some()))
    }

    /// Lets the session that asked outlive the change. If that fails it ends like the others, which is
    /// no reason to call the change, which is written, a failure.
    async fn confirm(&self, user: &User, session_id: SessionId) {
        let confirmed = self
            .sessions
            .confirm(user.id, session_id, user.auth_epoch)
            .await;
        if let Err(error) = confirmed {
            tracing::warn!(%error, "the session that unlinked an identity ends with the others");
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        application::ports::UserRepository as _,
        domain::{Error, EventKind, Origin, UserId, identity::IdentityId, user::NewMember},
        lambda::http::{Access, Call, Reply},
    };
    use testing::{
        Fault, World,
        fixture::{Answer, Route, Stage},
        identity,
        sample::Sample,
    };

    use super::*;
    use crate::handler;

    fn service(world: &Arc<World>) -> UnlinkIdentity {
        UnlinkIdentity {
            sessions: world.clone(),
            changing: Changing {
                users: world.clone(),
                circumstances: world.circumstances(),
            },
        }
    }

    fn route() -> Route<UnlinkIdentity, impl AsyncFn(Arc<UnlinkIdentity>, Call) -> Reply> {
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

    async fn link(world: &Arc<World>, user: UserId, subject: &str) {
        let circumstances = world.circumstances();
        let occasion = circumstances.occasion(Origin::system("test")).unwrap();
        let user = world.user(user).unwrap();
        let change = user.link(&identity("a", subject), &occasion).unwrap();
        world.commit(&change.unwrap()).await.unwrap();
    }

    /// Ann has an identity.
    async fn stage() -> Stage {
        let stage = Stage::set().await.unwrap();
        link(&stage.world, stage.ann.id, "1").await;
        stage
    }

    async fn delete(stage: &Stage, token: &str, subject: &str) -> Answer {
        let request = request("me", subject).bearer(token);
        route().answer(&stage.world, request).await.unwrap()
    }

    #[tokio::test]
    async fn only_the_owner_may() {
        let route = Route {
            access: handler::ACCESS,
            service: |world| {
                for user in world.users() {
                    world.tamper(user.id, |user| user.logins.push(identity("a", "1")));
                }
                service(world)
            },
            handle: handler::handle,
        };
        let admitted = route.admits(Access::Owner, 204, |_, user| request(user, "1"));
        admitted.await.unwrap();
    }

    #[tokio::test]
    async fn an_identity_of_somebody_else_is_not_found() {
        let stage = stage().await;
        let foreign = delete(&stage, &stage.bob.token, "1").await;
        assert_eq!(foreign.problem(), (404, "not-found"));
    }

    #[tokio::test]
    async fn an_identity_is_unlinked_and_all_sessions_end_but_one() {
        let stage = stage().await;
        let ann = stage.world.user(stage.ann.id).unwrap();
        let phone = stage.world.enter(&ann).await.unwrap();
        assert_eq!(delete(&stage, &stage.ann.token, "1").await.status, 204);
        let ann = stage.world.user(ann.id).unwrap();
        assert_eq!(ann.identities().count(), 0);
        let event = stage.world.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::UserIdentityUnlinked);
        let epochs = stage.world.sessions_of(ann.id).into_iter();
        let live: Vec<_> = epochs
            .filter(|session| session.auth_epoch == ann.auth_epoch)
            .map(|session| session.id)
            .collect();
        assert_eq!(live, [stage.ann.session_id]);
        let again = delete(&stage, &phone.token, "1").await;
        assert_eq!(again.problem(), (401, "unauthenticated"));
    }

    #[tokio::test]
    async fn the_last_way_to_sign_in_stays() {
        let stage = Stage::set().await.unwrap();
        let circumstances = stage.world.circumstances();
        let occasion = circumstances.occasion(Origin::system("test")).unwrap();
        let new = NewMember {
            id: UserId::new(occasion.now, [5; 10]),
            email: "eve@example.com".parse().unwrap(),
            email_verified: true,
            name: "Eve".parse().unwrap(),
            identity: identity("a", "1"),
        };
        let change = User::create_member(new, &occasion);
        let eve = stage.world.commit(&change).await.unwrap();
        let token = stage.world.enter(&eve).await.unwrap().token;
        let last = delete(&stage, &token, "1").await;
        assert_eq!(last.problem(), (409, "last-login"));
        link(&stage.world, eve.id, "2").await;
        assert_eq!(delete(&stage, &token, "1").await.status, 204);
    }

    #[tokio::test]
    async fn an_unlinking_survives_every_fault() {
        let tried = World::try_every_fault(async |fault: Fault| {
            let stage = stage().await;
            let service = service(&stage.world);
            let unlink = || {
                service.execute(Command {
                    target: Target {
                        id: stage.ann.id,
                        expected: None,
                        origin: Origin::system("test"),
                    },
                    session_id: stage.ann.session_id,
                    identity: id("1").as_str().to_owned(),
                })
            };
            let (_, fired) = stage.world.with_fault(fault, unlink()).await;
            let again = unlink().await;
            let is_done = matches!(again, Ok(()) | Err(Error::Refused(Refusal::NotFound)));
            assert!(is_done, "{fault:?}: {again:?}");
            let ann = stage.world.user(stage.ann.id).unwrap();
            assert_eq!((ann.identities().count(), ann.version.get()), (0, 3));
            fired
        })
        .await;
        assert_eq!(tried, 4 * 4, "four calls, each with four faults");
    }
}
