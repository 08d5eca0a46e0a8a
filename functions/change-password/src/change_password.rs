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

/// Another password.
#[derive(Debug)]
pub struct Command {
    /// The user.
    pub target: Target,
    /// Why the sender may.
    pub proof: Proof,
    /// The password, as it was typed.
    pub new: Password,
}

/// Why somebody may change a password. A token alone is not enough for one's own: it may be stolen,
/// and a new password would make the theft last.
#[derive(Debug)]
pub enum Proof {
    /// The owner, who knows the present password.
    Owner {
        /// The present password, as it was typed.
        current: Password,
        /// The session that asks; it outlives the change.
        session_id: SessionId,
    },
    /// An administrator, and the user is somebody else.
    Administrator,
}

impl ChangePassword {
    /// Changes the password. Every session of the user ends, but the one that asks.
    ///
    /// # Errors
    /// `NotFound`; `PreconditionFailed`; `PasswordRejected` by the policy; `InvalidCredentials` if the
    /// present password is wrong, `TooManyRequests` if it was guessed too often; `VersionConflict` if
    /// the sessions of an owner ended meanwhile: the proof is void then.
    pub async fn execute(&self, command: Command) -> Result<()> {
        let Command { target, proof, new } = command;
        let user = self.updates.load(&target).await?;
        // What is cheap to judge first; the rest takes time, so only who gave a proof may ask for it.
        let measured = self.passwords.measure(new.expose());
        let new = measured.map_err(Error::PasswordRejected)?;
        if let Proof::Owner { current, .. } = &proof {
            self.reauthentication
                .verify(&user, current, &target.origin)
                .await?;
        }
        let new = self.choose(&user, &new)?;
        let hash = self.hasher.hash(new.as_password()).await?;
        let is_owner = matches!(proof, Proof::Owner { .. });
        let epoch = user.auth_epoch;
        let changed = self
            .updates
            .update_loaded(user, &target, |user, metadata| {
                if is_owner && user.auth_epoch != epoch {
                    return Err(Refusal::VersionConflict.into());
                }
                Ok(Some(user.change_password(hash.clone(), metadata)))
            })
            .await?;
        if let Proof::Owner { session_id, .. } = proof {
            self.sessions.keep(&changed, session_id).await;
        }
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
