//! The use case: a user gets another password.

use std::sync::Arc;

use shared::{
    application::{
        idempotency::{Idempotency, IdempotencyKey, Once},
        ports::{PasswordHasher, Purpose, SecureRandom, SessionRepository},
        reauthentication::Reauthentication,
        user_updates::{Target, UserUpdates},
    },
    domain::{
        Error, NewPassword, Password, PasswordPolicy, Refusal, Result, SessionId, User,
        device::Device,
    },
};

pub struct ChangePassword {
    /// What passwords must satisfy.
    pub passwords: PasswordPolicy,
    pub updates: UserUpdates,
    pub sessions: Arc<dyn SessionRepository>,
    pub hasher: Arc<dyn PasswordHasher>,
    /// Compares present passwords.
    pub reauthentication: Reauthentication,
    /// Executes each request once.
    pub idempotency: Idempotency,
    pub random: Arc<dyn SecureRandom>,
}

/// Another password. A token alone is not enough: it may be stolen, and a new password would make the
/// theft last.
#[derive(Debug)]
pub struct Command {
    /// The user, who asks.
    pub target: Target,
    /// The present password, as it was typed.
    pub current: Password,
    /// The session that asks; it outlives the change. None of a former caller, who may only learn what
    /// came of the first request.
    pub session_id: Option<SessionId>,
    /// The password, as it was typed.
    pub new: Password,
    /// Sent by clients that may repeat the request.
    pub idempotency_key: Option<IdempotencyKey>,
}

impl ChangePassword {
    /// Changes the password, once for each `Idempotency-Key`. Every session of the user ends, but the
    /// one that asks.
    ///
    /// # Errors
    /// `NotFound`; `PreconditionFailed`; `PasswordRejected` by the policy; `InvalidCredentials` if the
    /// present password is wrong, `TooManyRequests` if it was guessed too often; `VersionConflict` if
    /// the sessions of the user ended meanwhile: the proof is void then.
    pub async fn execute(&self, command: Command) -> Result<()> {
        let Some(key) = command.idempotency_key.clone() else {
            return self.change(&command).await;
        };
        let actor = command.target.origin.actor;
        // A former caller begins nothing that one could confirm.
        let mine: [u8; 16] = match command.session_id {
            Some(_) => self.random.bytes()?,
            None => [0; 16],
        };
        let change = async |first: [u8; 16]| match self.change(&command).await {
            // A worker before this one may have changed it, and died before it could say so.
            Err(Error::Refused(Refusal::InvalidCredentials | Refusal::Unauthenticated))
                if first != mine =>
            {
                self.confirm(&command).await
            }
            outcome => outcome,
        };
        let record = |outcome: &Result<()>| outcome.is_ok().then_some(true);
        let request = (Purpose::PasswordChange, actor, &key);
        let once = self.idempotency.once(request, mine, change, record).await;
        if matches!(
            once,
            Ok(Once::Again(_)) | Err(Error::Refused(Refusal::KeyReused))
        ) {
            // What the body carries may be a guess.
            let limiter = &self.reauthentication.rate_limiter.rate_limiter;
            limiter.acquire_repetition(key.repetitions(actor)).await?;
        }
        once.map(|_| ())
    }

    /// Checks that the new password is the present one. That counts as a guess.
    async fn confirm(&self, command: &Command) -> Result<()> {
        let Command { target, new, .. } = command;
        let user = self.updates.users.find(target.id).await?;
        let user = user.filter(|user| user.active);
        let user = user.ok_or(Refusal::Unauthenticated)?;
        let session = command.session_id;
        let device = session.map(|id| Device::of_session(user.id, id));
        self.reauthentication
            .verify(&user, device, new, &target.origin)
            .await
    }

    async fn change(&self, command: &Command) -> Result<()> {
        let Command {
            target,
            current,
            new,
            ..
        } = command;
        let session_id = command.session_id.ok_or(Refusal::Unauthenticated)?;
        let user = self.updates.load(target).await?;
        let device = Device::of_session(user.id, session_id);
        // What is cheap to judge first; the rest takes time, so only who gave a proof may ask for it.
        let measured = self.passwords.measure(new.expose());
        let new = measured.map_err(Error::PasswordRejected)?;
        self.reauthentication
            .verify(&user, Some(device), current, &target.origin)
            .await?;
        let new = self.choose(&user, &new)?;
        let hash = self.hasher.hash(new.as_password()).await?;
        let epoch = user.auth_epoch;
        let changed = self
            .updates
            .update_loaded(user, target, |user, metadata| {
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
