//! The use case: a user links an identity at an OpenID provider.

use std::sync::Arc;

use shared::{
    application::{
        ports::IdentityProviders,
        user_updates::{Target, UserUpdates},
    },
    domain::{
        Error, Refusal, Result, User,
        event::EventMetadata,
        identity::{Authorization, LinkedIdentity},
    },
};

pub struct LinkIdentity {
    /// Where people sign in.
    pub providers: Arc<dyn IdentityProviders>,
    pub updates: UserUpdates,
}

/// An identity to be linked.
#[derive(Debug)]
pub struct Command {
    /// To whom.
    pub target: Target,
    /// The authorization code, and the rest of the client's request.
    pub authorization: Authorization,
}

impl LinkIdentity {
    /// Links the identity: from now on the user may sign in by it. Linking it again changes nothing.
    ///
    /// # Errors
    /// `InvalidCredentials` if the provider does not accept the code; `IdentityTaken`;
    /// `AddressUnproven`; `TooManyIdentities`; `VersionConflict` if the user's sessions ended meanwhile;
    /// `PreconditionFailed`; `ProviderUnavailable`.
    pub async fn execute(&self, command: Command) -> Result<LinkedIdentity> {
        let Command {
            target,
            authorization,
        } = command;
        let user = self.updates.load(&target).await?;
        let identity = self.providers.redeem(&authorization).await?.identity;
        let epoch = user.auth_epoch;
        let link = |user: &User, metadata: &EventMetadata| {
            // A recovery may have begun between the look at the caller and that at the user.
            if user.auth_epoch != epoch || user.recovering {
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
}

#[cfg(test)]
mod tests {
    use shared::{
        domain::{EventKind, identity::IdentityProfile},
        lambda::http::Access,
    };
    use testing::{Endpoint, Fixture, TestRequest, identity, json};

    use super::*;
    use crate::handler;

    /// Before each request its sender signs in at the provider, as the person `1`.
    fn endpoint() -> Endpoint {
        let request = TestRequest::new("POST", "/users/{id}/identities").json(&json!({
            "provider": "a",
            "code": "code",
            "codeVerifier": "v".repeat(43),
            "nonce": "n-0123456789abcdef",
            "redirectUri": "https://app.example.com/callback",
        }));
        Endpoint::new(handler::ACCESS, handler::handle, |backend| {
            backend.offer_provider("a");
            backend.authorize("a", "1", "code", IdentityProfile::default());
            LinkIdentity {
                providers: backend.clone(),
                updates: backend.user_updates(),
            }
        })
        .request(request, 201)
    }

    #[tokio::test]
    async fn only_the_owner_may() {
        endpoint().admits(Access::OWNER.recent()).await;
    }

    #[tokio::test]
    async fn who_has_not_proven_the_address_links_nothing() {
        let fixture = Fixture::new().await;
        fixture
            .backend
            .tamper(fixture.ann.id, |ann| ann.email_verified = false);
        let answer = endpoint().send(&fixture).await;
        assert_eq!(answer.problem(), (403, "address-unproven"));
        assert_eq!(fixture.ann().identities().count(), 0);
    }

    /// The caller was looked at, then a recovery began, then the user is read.
    #[tokio::test]
    async fn nothing_is_linked_once_a_recovery_is_under_way() {
        let fixture = Fixture::new().await;
        fixture
            .backend
            .tamper(fixture.ann.id, |ann| ann.recovering = true);
        let answer = endpoint().send(&fixture).await;
        assert_eq!(answer.problem(), (409, "version-conflict"));
        assert_eq!(fixture.ann().identities().count(), 0);
    }

    #[tokio::test]
    async fn a_link_survives_every_fault() {
        let is_done = async |fixture: &Fixture| {
            let ann = fixture.ann();
            let identities: Vec<_> = ann.identities().cloned().collect();
            identities == [identity("a", "1")] && ann.version.get() == 2
        };
        let calls = endpoint().survives_every_fault(is_done).await;
        assert_eq!(calls[3..].len(), 3, "{calls:?}");
    }

    #[tokio::test]
    async fn an_identity_is_linked_once() {
        let fixture = Fixture::new().await;
        let first = endpoint().send(&fixture).await;
        assert_eq!(first.status, 201);
        assert_eq!(first.body["issuer"], "https://a.example.com");
        assert_eq!(first.body["subject"], "1");
        let event = fixture.backend.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::UserIdentityLinked);
        assert!(!event.to_cloud_event().to_string().contains("a.example"));

        let events = fixture.backend.outbox().len();
        let again = endpoint().send(&fixture).await;
        assert_eq!((again.status, again.body), (201, first.body));
        assert_eq!(fixture.backend.outbox().len(), events);

        let (ann, bob) = (fixture.bob, fixture.ann);
        let of_bob = Fixture {
            ann,
            bob,
            ..fixture
        };
        let other = endpoint().send(&of_bob).await;
        assert_eq!(other.problem(), (409, "identity-taken"));
    }
}
