//! Changes which a one-time token permits.

use std::sync::Arc;

use domain::{
    Actor, Change, Email, Error, FirstAdmin, LoginKey, OneTimeToken, Origin, PasswordHash, Refusal,
    Result, TokenPurpose, User, change::EventMetadata,
};

use crate::ports::{Env, OneTimeTokens, UserRepository};

/// How often a change is tried again on the user as changed by others.
const ATTEMPTS: usize = 5;

/// Changes users who redeem an address.
#[derive(Clone)]
pub struct TokenRedemption {
    /// Where users are kept.
    pub users: Arc<dyn UserRepository>,
    /// Where one-time tokens are kept.
    pub tokens: Arc<dyn OneTimeTokens>,
    /// Who becomes the first administrator.
    pub first_admin: FirstAdmin,
    /// Time and randomness.
    pub env: Env,
}

impl TokenRedemption {
    /// The user whose token this is, if the token is good at the moment.
    ///
    /// # Errors
    /// `TokenExpired` if it is not, or if the user is gone or not active.
    pub async fn check(&self, token: &OneTimeToken) -> Result<User> {
        let user = self.find(token).await?;
        let now = self.env.clock.now();
        let spend = token.spend(address(&user, token.purpose)?, now);
        if self.tokens.is_good(&spend).await? {
            Ok(user)
        } else {
            Err(Refusal::TokenExpired.into())
        }
    }

    /// Changes the user as `change` says and uses the token up, both or neither. `change` gets the
    /// password hash of the present address if the token is for another one. Whoever proves the
    /// address of the first administrator while there is none becomes one, by the same change.
    ///
    /// # Errors
    /// `TokenExpired` if the token is not good, or if the user is gone or not active; what `change`
    /// says; `EmailTaken` if another user has the address that is to be claimed.
    pub async fn redeem(
        &self,
        token: &OneTimeToken,
        origin: Origin,
        change: impl Fn(&User, Option<PasswordHash>, &EventMetadata) -> Result<Change> + Send + Sync,
    ) -> Result<User> {
        let origin = Origin {
            // Whoever can read the mail is the user.
            actor: Actor::User(token.user_id),
            ..origin
        };
        for _ in 0..ATTEMPTS {
            let user = self.find(token).await?;
            let address = address(&user, token.purpose)?;
            let password = self.password(&user, token.purpose).await?;
            let metadata = self.env.metadata(origin.clone())?;
            let change = change(&user, password, &metadata)?;
            let change = change.spending(token.spend(address, metadata.now));
            let change = self.grant_admin(&user, address, change).await?;
            match self.users.commit(&change).await {
                Err(Error::Refused(Refusal::VersionConflict)) => {}
                outcome => return outcome,
            }
        }
        Err(Refusal::VersionConflict.into())
    }

    async fn find(&self, token: &OneTimeToken) -> Result<User> {
        let user = self.users.find(token.user_id).await?;
        user.filter(|user| user.active)
            .ok_or_else(|| Refusal::TokenExpired.into())
    }

    /// The hash of the password that moves to another address. A newer one comes with a newer version
    /// of the user, so an old one is never written.
    async fn password(&self, user: &User, purpose: TokenPurpose) -> Result<Option<PasswordHash>> {
        if purpose != TokenPurpose::EmailChange {
            return Ok(None);
        }
        let key = LoginKey::Email(user.email.clone());
        let login = self.users.find_login(&key).await?;
        Ok(login.and_then(|login| login.password))
    }

    async fn grant_admin(&self, user: &User, proven: &Email, change: Change) -> Result<Change> {
        let called = self.first_admin.is(proven) && !user.is_active_admin();
        Ok(if called && !self.users.has_administrator().await? {
            change.granting_admin()
        } else {
            change
        })
    }
}

/// The address that a token for `purpose` proves.
fn address(user: &User, purpose: TokenPurpose) -> Result<&Email> {
    match purpose {
        TokenPurpose::PasswordReset | TokenPurpose::EmailVerification => Ok(&user.email),
        TokenPurpose::EmailChange => user
            .pending_email
            .as_ref()
            .ok_or_else(|| Refusal::TokenExpired.into()),
    }
}
