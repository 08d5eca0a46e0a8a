//! OpenID Connect: the user signed in at a provider.

use std::{ops::ControlFlow, sync::Arc};

use async_trait::async_trait;
use shared::{
    application::{
        ports::{IdentityProviders, UserRepository},
        rate_limit::SignInLimiter,
        sign_in::{Authenticated, AuthenticationStrategy, FEDERATED, user_with_login},
        sign_up_limiter::SignUpLimiter,
        user_updates::{self, Target, UserUpdates},
    },
    domain::{
        Actor, Authority, Email, Error, LoginKey, Name, Origin, Refusal, Result, User, UserId,
        event::EventMetadata,
        identity::{Authorization, ExternalIdentity, IdentityProfile},
        sign_up::SignUpPolicy,
        user::{NewMember, Standing},
    },
};

/// Knows users by their identities at OpenID providers.
pub struct OidcStrategy {
    pub policy: SignUpPolicy,
    /// Where people sign in.
    pub providers: Arc<dyn IdentityProviders>,
    pub rate_limiter: SignInLimiter,
    /// Counts new users.
    pub sign_ups: SignUpLimiter,
    pub updates: UserUpdates,
}

#[async_trait]
impl AuthenticationStrategy<Authorization> for OidcStrategy {
    /// # Errors
    /// `InvalidCredentials` if the provider does not accept the code, or the user may not sign in, unlinked
    /// the identity, or is being recovered;
    /// `EmailMissing` if the identity is nobody's and the provider gives no address;
    /// `EmailTaken` if a new user has the address of another, but only where anyone may sign up;
    /// `TooManyRequests` after too many wrong codes, or too many new users, from one client address;
    /// `ProviderUnavailable`.
    async fn authenticate(
        &self,
        authorization: Authorization,
        origin: &Origin,
    ) -> Result<Authenticated> {
        let permit = self.rate_limiter.acquire(origin).await?;
        let (user, permit) = permit.hold(self.redeem(&authorization, origin)).await?;
        Ok(Authenticated {
            user,
            method: FEDERATED,
            permit,
        })
    }
}

impl OidcStrategy {
    /// The user whose code this is.
    async fn redeem(&self, authorization: &Authorization, origin: &Origin) -> Result<User> {
        let external = self.providers.redeem(authorization).await?;
        let user = match self.known(&external.identity).await? {
            Some(user) => user,
            None => self.provision(&external, origin).await?,
        };
        if user.active {
            Ok(user)
        } else {
            Err(Refusal::InvalidCredentials.into())
        }
    }

    fn users(&self) -> &dyn UserRepository {
        self.updates.users.as_ref()
    }

    async fn known(&self, login: &LoginKey) -> Result<Option<User>> {
        user_with_login(self.users(), login).await
    }

    /// The user for an identity that is not linked yet: the one with the address, or a new one.
    async fn provision(&self, external: &ExternalIdentity, origin: &Origin) -> Result<User> {
        let profile = self.providers.profile(external).await?;
        let Some(email) = profile.email.clone() else {
            tracing::warn!("an identity without an address: is the scope `email` asked for?");
            return Err(Refusal::EmailMissing.into());
        };
        let received = match self.user_by_verified_email(&email, &profile).await? {
            Some(user) if is_provisional(&user, &email) => {
                self.take_over(&email, &profile, external, origin).await
            }
            Some(user) => self.link_to(user, external, origin).await,
            None => self.sign_up(email, &profile, external, origin).await,
        };
        match received {
            // The same person may have signed up at the same time on another device.
            Err(Error::Refused(Refusal::EmailTaken)) => {
                let user = self.known(&external.identity).await?;
                user.ok_or_else(|| Refusal::EmailTaken.into())
            }
            received => received,
        }
    }

    /// The user with this address, if the provider has verified it: and so have we, or nobody has
    /// confirmed the account or answered the invitation. Otherwise one of them may be somebody who only
    /// claims it.
    async fn user_by_verified_email(
        &self,
        email: &Email,
        profile: &IdentityProfile,
    ) -> Result<Option<User>> {
        if !profile.email_verified {
            return Ok(None);
        }
        let user = self.known(&LoginKey::Email(email.clone())).await?;
        Ok(user.filter(|user| {
            user.email == *email && (user.email_verified || !user.standing.is_settled())
        }))
    }

    /// The user after this identity was linked. Who is invited accepts the invitation by it; where anyone
    /// may sign up, one that has expired too.
    async fn link_to(
        &self,
        user: User,
        external: &ExternalIdentity,
        origin: &Origin,
    ) -> Result<User> {
        let (email, actor) = (user.email.clone(), Actor::User(user.id));
        let target = Target {
            authority: Authority::None,
            id: user.id,
            expected: None,
            origin: Origin {
                actor,
                ..origin.clone()
            },
        };
        let link = |user: &User, metadata: &EventMetadata| {
            let is_admitted = self.policy == SignUpPolicy::Open || user.is_invited(metadata.now);
            match user.standing {
                _ if !user.active || user.email != email => Err(Refusal::InvalidCredentials.into()),
                Standing::Invited if is_admitted => {
                    let accept = user.accept_invitation_by(&external.identity, metadata);
                    accept.map(Some)
                }
                _ if user.email_verified => user.link_by_address(&external.identity, metadata),
                _ => Err(Refusal::InvalidCredentials.into()),
            }
        };
        self.updates.update_loaded(user, &target, link).await
    }

    /// A new user in the place of one whom nobody confirmed: the provider says who reads the mail, and
    /// nothing says that this is who signed up.
    async fn take_over(
        &self,
        email: &Email,
        profile: &IdentityProfile,
        external: &ExternalIdentity,
        origin: &Origin,
    ) -> Result<User> {
        self.sign_ups.acquire(origin).await?;
        let env = &self.updates.env;
        let id = UserId::new(env.clock.now(), env.random.bytes()?);
        let origin = &Origin {
            actor: Actor::User(id),
            ..origin.clone()
        };
        user_updates::commit(self.users(), env, || async move {
            let old = self.known(&LoginKey::Email(email.clone())).await?;
            let old = old.filter(|user| is_provisional(user, email));
            // Somebody confirmed it, or took it over, meanwhile.
            let old = old.ok_or(Refusal::EmailTaken)?;
            if !old.active || old.recovering {
                return Err(Refusal::InvalidCredentials.into());
            }
            let new = new_member(id, email.clone(), profile, external);
            let creation = User::create_member(new, &env.metadata(origin.clone())?);
            let erasure = old.erase(&env.metadata(origin.clone())?);
            Ok(ControlFlow::Continue(creation.replacing(erasure)))
        })
        .await
    }

    /// A new user, where anyone may sign up.
    async fn sign_up(
        &self,
        email: Email,
        profile: &IdentityProfile,
        external: &ExternalIdentity,
        origin: &Origin,
    ) -> Result<User> {
        if self.policy != SignUpPolicy::Open {
            return Err(Refusal::InvalidCredentials.into());
        }
        self.sign_ups.acquire(origin).await?;
        let env = &self.updates.env;
        let metadata = env.metadata(origin.clone())?;
        let id = UserId::new(metadata.now, env.random.bytes()?);
        let new = new_member(id, email, profile, external);
        let change = User::create_member(new, &metadata);
        self.users().commit(&change).await
    }
}

fn new_member(
    id: UserId,
    email: Email,
    profile: &IdentityProfile,
    external: &ExternalIdentity,
) -> NewMember {
    NewMember {
        id,
        name: profile.name.clone().unwrap_or_else(|| Name::of(&email)),
        email,
        email_verified: profile.email_verified,
        identity: external.identity.clone(),
    }
}

/// Whether nobody confirmed this user of the address.
fn is_provisional(user: &User, email: &Email) -> bool {
    user.email == *email && user.standing == Standing::Provisional
}

#[cfg(test)]
mod tests;
