//! The use case: a user gets another password.

use std::sync::Arc;

use shared::{
    application::{
        ports::{PasswordHasher, SessionRepository},
        reauthentication::Reauthentication,
        user_updates::{Target, UserUpdates},
    },
    domain::{Error, NewPassword, Password, PasswordPolicy, Refusal, Result, SessionId, User},
};

pub struct ChangePassword {
    /// What passwords must satisfy.
    pub passwords: PasswordPolicy,
    pub updates: UserUpdates,
    pub sessions: Arc<dyn SessionRepository>,
    pub hasher: Arc<dyn PasswordHasher>,
    /// Compares present passwords.
    pub reauthentication: Reauthentication,
}

/// Another password. A token alone is not enough: it may be stolen, and a new password would make the
/// theft last.
#[derive(Debug)]
pub struct Command {
    /// The user, who asks.
    pub target: Target,
    /// The present password, as it was typed.
    pub current: Password,
    /// The session that asks; it outlives the change.
    pub session_id: SessionId,
    /// The password, as it was typed.
    pub new: Password,
}

impl ChangePassword {
    /// Changes the password. Every session of the user ends, but the one that asks.
    ///
    /// # Errors
    /// `NotFound`; `PreconditionFailed`; `PasswordRejected` by the policy; `InvalidCredentials` if the
    /// present password is wrong, `TooManyRequests` if it was guessed too often; `VersionConflict` if
    /// the sessions of the user ended meanwhile: the proof is void then.
    pub async fn execute(&self, command: Command) -> Result<()> {
        let Command {
            target,
            current,
            session_id,
            new,
        } = command;
        let user = self.updates.load(&target).await?;
        // What is cheap to judge first; the rest takes time, so only who gave a proof may ask for it.
        let measured = self.passwords.measure(new.expose());
        let new = measured.map_err(Error::PasswordRejected)?;
        self.reauthentication
            .verify(&user, &current, &target.origin)
            .await?;
        let new = self.choose(&user, &new)?;
        let hash = self.hasher.hash(new.as_password()).await?;
        let epoch = user.auth_epoch;
        let changed = self
            .updates
            .update_loaded(user, &target, |user, metadata| {
                if user.auth_epoch != epoch {
                    return Err(Refusal::VersionConflict.into());
                }
                Ok(Some(user.change_password(hash.clone(), metadata)))
            })
            .await?;
        self.sessions.keep(&changed, session_id).await;
        Ok(())
    }

    fn choose(&self, user: &User, new: &Password) -> Result<NewPassword> {
        let context = [user.name.as_str(), user.email.as_str()];
        let chosen = self.passwords.choose(new.expose(), &context);
        chosen.map_err(Error::PasswordRejected)
    }
}

#[cfg(test)]
mod tests;
