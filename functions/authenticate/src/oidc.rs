//! OpenID Connect: somebody signed in elsewhere.

use std::sync::Arc;

use async_trait::async_trait;
use shared::{
    application::{
        ports::{IdentityProviders, UserRepository},
        rate_limit::SignInLimiter,
        user_updates::{Target, UserUpdates},
    },
    domain::{
        Actor, Email, Error, LoginKey, Name, Origin, Refusal, Result, User, UserId,
        event::EventMetadata,
        identity::{ExternalIdentity, IdentityProfile},
        sign_up::SignUpPolicy,
        user::NewMember,
    },
    lambda::http::Fields,
};

use crate::authenticate::{Authenticated, AuthenticationStrategy};

/// Authenticated by somebody else. RFC 8176 has no word for it; this one is in use.
const METHOD: &str = "fed";

/// Knows users by their identities at OpenID providers.
pub struct OidcStrategy {
    /// Principal may sign up.
    pub policy: SignUpPolicy,
    /// Where people sign in.
    pub providers: Arc<dyn IdentityProviders>,
    /// Limits how often people try.
    pub rate_limiter: SignInLimiter,
    /// Changes users.
    pub updates: UserUpdates,
}

#[async_trait]
impl AuthenticationStrategy for OidcStrategy {
    fn name(&self) -> &'static str {
        "oidc"
    }

    /// # Errors
    /// `InvalidCredentials` if the provider does not vouch for anybody, or for nobody who may sign in;
    /// `EmailTaken` if somebody new has the address of somebody else, but never unless anyone may sign
    /// up; `TooManyRequests` after too many codes from one place that were worth nothing;
    /// `ProviderUnavailable`.
    async fn authenticate(&self, mut presented: Fields, origin: &Origin) -> Result<Authenticated> {
        let authorization = presented.authorization();
        let authorization = presented.finish(authorization)?;
        let permit = match self.rate_limiter.spend(None, origin).await? {
            Ok(permit) => permit,
            Err(lock) => return Err(self.rate_limiter.refuse(lock, None, origin).await),
        };
        let external = match self.providers.redeem(&authorization).await {
            Ok(external) => external,
            Err(error) => {
                if !matches!(error, Error::Refused(Refusal::InvalidCredentials)) {
                    permit.refund().await;
                }
                return Err(error);
            }
        };
        let user = match self.known(&external.identity).await? {
            Some(user) => user,
            None => self.provision(&external, origin).await?,
        };
        if !user.active {
            return Err(Refusal::InvalidCredentials.into());
        }
        Ok(Authenticated {
            user,
            method: METHOD,
            permit,
        })
    }
}

impl OidcStrategy {
    fn users(&self) -> &dyn UserRepository {
        self.updates.users.as_ref()
    }

    /// The user who has this login.
    async fn known(&self, login: &LoginKey) -> Result<Option<User>> {
        match self.users().find_login(login).await? {
            Some(login) => self.users().find(login.user_id).await,
            None => Ok(None),
        }
    }

    /// The user somebody becomes whose identity nobody has: one who has the address, or a new one.
    async fn provision(&self, external: &ExternalIdentity, origin: &Origin) -> Result<User> {
        let profile = self.providers.profile(external).await?;
        let Some(email) = profile.email.clone() else {
            tracing::warn!("an identity without an address: is the scope `email` asked for?");
            return Err(Refusal::InvalidCredentials.into());
        };
        let received = match self.user_by_verified_email(&email, &profile).await? {
            Some(user) => self.link_to(user, external, origin).await,
            None => self.sign_up(email, profile, external, origin).await,
        };
        match received {
            // Perhaps the same person, at the same time on another device.
            Err(Error::Refused(Refusal::EmailTaken)) => {
                let user = self.known(&external.identity).await?;
                user.ok_or_else(|| Refusal::EmailTaken.into())
            }
            received => received,
        }
    }

    /// The user with this address, if both sides know that it is the user's: the provider and we.
    /// Otherwise one of them may be somebody who only says so.
    async fn user_by_verified_email(
        &self,
        email: &Email,
        profile: &IdentityProfile,
    ) -> Result<Option<User>> {
        if !profile.email_verified {
            return Ok(None);
        }
        let user = self.known(&LoginKey::Email(email.clone())).await?;
        Ok(user.filter(|user| is_proven(user, email)))
    }

    /// The user who may from now on sign in by this identity too.
    async fn link_to(
        &self,
        user: User,
        external: &ExternalIdentity,
        origin: &Origin,
    ) -> Result<User> {
        let (email, actor) = (user.email.clone(), Actor::User(user.id));
        let target = Target {
            id: user.id,
            expected: None,
            origin: Origin {
                actor,
                ..origin.clone()
            },
        };
        let link = |user: &User, metadata: &EventMetadata| {
            if !user.active || !is_proven(user, &email) {
                return Err(Refusal::InvalidCredentials.into());
            }
            user.link(&external.identity, metadata)
        };
        self.updates.update_loaded(user, &target, link).await
    }

    /// A new user, where anyone may sign up.
    async fn sign_up(
        &self,
        email: Email,
        profile: IdentityProfile,
        external: &ExternalIdentity,
        origin: &Origin,
    ) -> Result<User> {
        if self.policy != SignUpPolicy::Open {
            return Err(Refusal::InvalidCredentials.into());
        }
        let env = &self.updates.env;
        let metadata = env.metadata(origin.clone())?;
        let new = NewMember {
            id: UserId::new(metadata.now, env.random.bytes()?),
            name: profile.name.unwrap_or_else(|| Name::of(&email)),
            email,
            email_verified: profile.email_verified,
            identity: external.identity.clone(),
        };
        let change = User::create_member(new, &metadata);
        self.users().commit(&change).await
    }
}

/// Whether the user proved to read mail at this address.
fn is_proven(user: &User, email: &Email) -> bool {
    user.email == *email && user.email_verified
}

#[cfg(test)]
mod tests;
