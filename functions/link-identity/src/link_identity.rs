//! The use case: a user links an identity at an OpenID provider.

use std::sync::Arc;

use shared::{
    application::{
        ports::{IdentityProviders, SessionRepository},
        user_updates::{Target, UserUpdates},
    },
    domain::{
        Error, Refusal, Result, SessionId, User,
        event::EventMetadata,
        identity::{Authorization, LinkedIdentity, RECENT},
    },
};

/// Links identities.
pub struct LinkIdentity {
    /// Where people sign in.
    pub providers: Arc<dyn IdentityProviders>,
    /// Where sessions are kept.
    pub sessions: Arc<dyn SessionRepository>,
    /// Changes users.
    pub updates: UserUpdates,
}

/// An identity to be linked.
#[derive(Debug)]
pub struct Command {
    /// To whom.
    pub target: Target,
    /// The session that asks.
    pub session_id: SessionId,
    /// The authorization code, and the rest of the client's request.
    pub authorization: Authorization,
}

impl LinkIdentity {
    /// Links the identity: from now on the user may sign in by it. Linking it again changes nothing.
    ///
    /// # Errors
    /// `SignInTooOld` if the session began too long ago: a new login needs a fresh proof;
    /// `InvalidCredentials` if the provider does not accept the code; `IdentityTaken`;
    /// `TooManyIdentities`; `VersionConflict` if the user's sessions ended meanwhile;
    /// `PreconditionFailed`; `ProviderUnavailable`.
    pub async fn execute(&self, command: Command) -> Result<LinkedIdentity> {
        let Command {
            target,
            session_id,
            authorization,
        } = command;
        let user = self.updates.load(&target).await?;
        self.require_recent_sign_in(&user, session_id).await?;
        let identity = self.providers.redeem(&authorization).await?.identity;
        let epoch = user.auth_epoch;
        let link = |user: &User, metadata: &EventMetadata| {
            if user.auth_epoch != epoch {
                return Err(Refusal::VersionConflict.into());
            }
            user.link(&identity, metadata)
        };
        match self.updates.update_loaded(user, &target, link).await {
            // The identity is all that this change claims.
            Err(Error::Refused(Refusal::EmailTaken)) => Err(Refusal::IdentityTaken.into()),
            Err(error) => Err(error),
            Ok(_) => LinkedIdentity::of(&identity)
                .ok_or_else(|| Error::internal("a provider vouched for an address")),
        }
    }

    async fn require_recent_sign_in(&self, user: &User, id: SessionId) -> Result<()> {
        let session = self.sessions.find(user.id, id).await?;
        let session = session.ok_or(Refusal::Unauthenticated)?;
        let now = self.updates.env.clock.now();
        if session.created_at.plus(RECENT) > now {
            Ok(())
        } else {
            Err(Refusal::SignInTooOld(RECENT).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use shared::{
        domain::{EventKind, Origin, identity::IdentityProfile},
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

    fn service(backend: &Arc<FakeBackend>) -> LinkIdentity {
        LinkIdentity {
            providers: backend.clone(),
            sessions: backend.clone(),
            updates: UserUpdates {
                users: backend.clone(),
                env: backend.env(),
            },
        }
    }

    /// A provider at which `subject` signed in by now, which gave this code.
    fn visit(backend: &FakeBackend, subject: &str, code: &str) {
        backend.offer_provider("a").unwrap();
        let profile = IdentityProfile::default();
        backend.visit("a", subject, code, profile).unwrap();
    }

    fn body(code: &str) -> Value {
        json!({
            "provider": "a",
            "code": code,
            "codeVerifier": "v".repeat(43),
            "nonce": "n-0123456789abcdef",
            "redirectUri": "https://app.example.com/callback",
        })
    }

    fn authorization(code: &str) -> Authorization {
        Authorization {
            provider: "a".parse().unwrap(),
            code: code.parse().unwrap(),
            code_verifier: "v".repeat(43).parse().unwrap(),
            nonce: "n-0123456789abcdef".parse().unwrap(),
            redirect_uri: "https://app.example.com/callback".parse().unwrap(),
        }
    }

    fn route() -> Route<LinkIdentity, impl AsyncFn(Arc<LinkIdentity>, Request) -> Response> {
        Route {
            access: handler::ACCESS,
            service: |backend| {
                visit(backend, "1", "code");
                service(backend)
            },
            handle: handler::handle,
        }
    }

    async fn mail_service(fixture: &Fixture, token: &str) -> Answer {
        let request = Sample::of_user("POST", "me", "/identities").json(&body("code"));
        let answer = route()
            .answer(&fixture.backend, request.bearer(token))
            .await;
        answer.unwrap()
    }

    #[tokio::test]
    async fn only_the_owner_may() {
        let request = |_, id: &str| Sample::of_user("POST", id, "/identities").json(&body("code"));
        route().admits(Access::Owner, 201, request).await.unwrap();
    }

    #[tokio::test]
    async fn an_identity_is_linked_once() {
        let fixture = Fixture::new().await.unwrap();
        let first = mail_service(&fixture, &fixture.ann.token).await;
        assert_eq!(first.status, 201);
        assert_eq!(first.body["issuer"], "https://a.example.com");
        assert_eq!(first.body["subject"], "1");
        let event = fixture.backend.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::UserIdentityLinked);
        assert!(!event.to_cloud_event().to_string().contains("a.example"));

        let events = fixture.backend.outbox().len();
        let again = mail_service(&fixture, &fixture.ann.token).await;
        assert_eq!((again.status, again.body), (201, first.body));
        assert_eq!(fixture.backend.outbox().len(), events);

        let other = mail_service(&fixture, &fixture.bob.token).await;
        assert_eq!(other.problem(), (409, "identity-taken"));
    }

    #[tokio::test]
    async fn an_old_sign_in_is_not_enough() {
        let fixture = Fixture::new().await.unwrap();
        fixture.backend.advance(RECENT);
        let answer = mail_service(&fixture, &fixture.ann.token).await;
        assert_eq!(answer.problem(), (401, "sign-in-too-old"));
        let hint = answer.header("www-authenticate").unwrap();
        assert!(hint.contains("max_age=\"900\""), "{hint}");
        let ann = fixture.backend.user(fixture.ann.id).unwrap();
        assert_eq!(ann.identities().count(), 0);
        let ann = fixture.backend.sign_in(&ann).await.unwrap();
        assert_eq!(mail_service(&fixture, &ann.token).await.status, 201);
    }

    #[tokio::test]
    async fn a_link_survives_every_fault() {
        let tried = FakeBackend::try_every_fault(async |fault: Fault| {
            let fixture = Fixture::new().await.unwrap();
            let service = service(&fixture.backend);
            let link = |code: &str| {
                visit(&fixture.backend, "1", code);
                service.execute(Command {
                    target: Target {
                        id: fixture.ann.id,
                        expected: None,
                        origin: Origin::system("test"),
                    },
                    session_id: fixture.ann.session_id,
                    authorization: authorization(code),
                })
            };
            let (_, fired) = fixture.backend.with_fault(fault, link("first")).await;
            link("second").await.unwrap();
            let ann = fixture.backend.user(fixture.ann.id).unwrap();
            let identities: Vec<_> = ann.identities().cloned().collect();
            assert_eq!(identities, [identity("a", "1")], "{fault:?}");
            assert_eq!(ann.version.get(), 2, "one event");
            fired
        })
        .await;
        assert_eq!(tried, 4 * 4, "four calls, each with four faults");
    }
}
