//! The use case: a person who was invited chooses a password.

use std::sync::Arc;

use shared::{
    application::{
        ports::PasswordHasher, session_starter::SessionStarter, session_tokens::TokenPair,
        token_redemption::TokenRedemption,
    },
    domain::{
        Error, OneTimeToken, Origin, Password, PasswordPolicy, Refusal, Result, TokenPurpose,
        user::Standing,
    },
};

/// RFC 8176: authenticated by password.
const METHOD: &str = "pwd";

/// Gives invited users their password.
pub struct AcceptInvitation {
    /// What passwords must satisfy.
    pub passwords: PasswordPolicy,
    pub hasher: Arc<dyn PasswordHasher>,
    /// Changes users who redeem their link.
    pub redemption: TokenRedemption,
    pub session_starter: SessionStarter,
}

/// An acceptance.
#[derive(Debug)]
pub struct Acceptance {
    /// What was in the mail.
    pub token: OneTimeToken,
    /// The password, as it was typed: the policy needs the user to judge it.
    pub password: Password,
    /// The `iss` of the access token.
    pub issuer: String,
    /// Where the command came from.
    pub origin: Origin,
}

impl AcceptInvitation {
    /// Gives the user the password, which proves the address too, and signs in.
    ///
    /// # Errors
    /// `TokenExpired` if the token is not that of an open invitation; `PasswordRejected` by the policy:
    /// then the token stays good.
    pub async fn execute(&self, acceptance: Acceptance) -> Result<TokenPair> {
        let Acceptance {
            token,
            password,
            issuer,
            origin,
        } = acceptance;
        if token.purpose != TokenPurpose::Invitation {
            return Err(Refusal::TokenExpired.into());
        }
        // First, because a caller with a bad token must not cost a hash, nor learn about the user's
        // name from the judgement of a password.
        let user = self.redemption.check(&token).await?;
        let context = [user.name.as_str(), user.email.as_str()];
        let chosen = self.passwords.choose(password.expose(), &context);
        let chosen = chosen.map_err(Error::PasswordRejected)?;
        let hash = self.hasher.hash(chosen.as_password()).await?;
        let user = self
            .redemption
            .redeem(&token, origin.clone(), |user, _, metadata| {
                if user.standing != Standing::Invited {
                    return Err(Refusal::TokenExpired.into());
                }
                Ok(user.reset_password(hash.clone(), metadata))
            })
            .await?;
        self.session_starter
            .start(&user, METHOD, &issuer, origin)
            .await
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use secrecy::ExposeSecret as _;
    use shared::{
        application::ports::{OneTimeTokens, UserRepository as _},
        domain::{
            EventKind, User, UserId, sign_up::SignUpPolicy, token::TokenBinding, user::Invitee,
        },
    };
    use testing::{Answer, Endpoint, FakeBackend, PASSWORD, TestRequest, json};

    use super::*;
    use crate::{handler, verify_email::VerifyEmail};

    fn endpoint() -> Endpoint {
        Endpoint::new(handler::ACCESS, handler::handle, |backend| VerifyEmail {
            policy: SignUpPolicy::Open,
            redemption: backend.redemption(""),
            accept: accepting(backend),
        })
    }

    pub(crate) fn accepting(backend: &Arc<FakeBackend>) -> AcceptInvitation {
        AcceptInvitation {
            passwords: PasswordPolicy::default(),
            hasher: backend.clone(),
            redemption: backend.redemption(""),
            session_starter: backend.session_starter(),
        }
    }

    /// Eve, who was invited, and the token in the mail to her.
    async fn invited(backend: &Arc<FakeBackend>) -> (User, OneTimeToken) {
        let metadata = backend.metadata();
        let new = Invitee {
            id: UserId::new(metadata.now, [5; 10]),
            email: "eve@example.com".parse().unwrap(),
            name: "Evelina".parse().unwrap(),
        };
        let eve = backend.commit(&User::invite(new, &metadata)).await.unwrap();
        let token = OneTimeToken::new(TokenPurpose::Invitation, eve.id, [3; 32]);
        let binding = TokenBinding::of(&eve, token.purpose).unwrap();
        let issue = token.issue(&binding, metadata.now);
        assert!(
            OneTimeTokens::issue(backend.as_ref(), &issue)
                .await
                .unwrap()
        );
        (eve, token)
    }

    async fn accept(backend: &Arc<FakeBackend>, token: &OneTimeToken, password: &str) -> Answer {
        let body = json!({"token": token.encode().expose_secret(), "newPassword": password});
        let request = TestRequest::new("PUT", "/email-verifications").json(&body);
        endpoint().answer(backend, request).await
    }

    #[tokio::test]
    async fn an_invitation_is_accepted_once_by_choosing_a_password() {
        let backend = FakeBackend::new();
        let (eve, token) = invited(&backend).await;
        let answer = accept(&backend, &token, PASSWORD).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let location = format!("/users/{}", eve.id);
        assert_eq!(answer.header("location"), Some(&*location));
        assert_eq!(answer.body["user"]["emailVerified"], true);
        assert!(answer.body["refreshToken"].is_string());
        let eve = backend.user(eve.id).unwrap();
        assert_eq!(eve.standing, Standing::Settled);
        let kinds: Vec<_> = backend.outbox().iter().map(|event| event.kind).collect();
        let expected = [
            EventKind::UserInvited,
            EventKind::UserPasswordChanged,
            EventKind::SessionStarted,
        ];
        assert_eq!(kinds, expected);
        let again = accept(&backend, &token, PASSWORD).await;
        assert_eq!(again.problem(), (410, "token-expired"));
    }

    #[tokio::test]
    async fn after_a_weak_password_the_link_stays_good() {
        let backend = FakeBackend::new();
        let (_, token) = invited(&backend).await;
        let weak = accept(&backend, &token, "eve@example.com").await;
        assert_eq!(weak.invalid_fields(), [("/newPassword", "too-weak")]);
        assert_eq!(accept(&backend, &token, PASSWORD).await.status, 201);
    }

    #[tokio::test]
    async fn the_link_alone_confirms_nothing() {
        let backend = FakeBackend::new();
        let (eve, token) = invited(&backend).await;
        let body = json!({"token": token.encode().expose_secret()});
        let request = TestRequest::new("PUT", "/email-verifications").json(&body);
        let answer = endpoint().answer(&backend, request).await;
        assert_eq!(answer.problem(), (410, "token-expired"));
        assert_eq!(backend.user(eve.id), Some(eve));
    }
}
