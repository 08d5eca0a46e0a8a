//! Load, call, save: how every command changes a user.

use std::sync::Arc;

use domain::{
    Change, Error, Origin, Refusal, Result, User, UserId, Version, change::EventMetadata,
};

use crate::ports::{Env, UserRepository};

/// How often a command that names no version is tried again on the user as changed by others.
const ATTEMPTS: usize = 5;

/// Which user a command is about, and what its sender says of it.
#[derive(Debug, Clone)]
pub struct Target {
    /// The user.
    pub id: UserId,
    /// The versions of which the user must have one, if the sender named any.
    pub expected: Option<Vec<Version>>,
    /// Who sends the command, and from where.
    pub origin: Origin,
}

impl Target {
    /// `user`, if it is at the version the sender said.
    fn check(&self, user: Option<User>) -> Result<User> {
        let user = user.ok_or(Refusal::NotFound)?;
        match &self.expected {
            Some(expected) if !expected.contains(&user.version) => {
                Err(Refusal::PreconditionFailed.into())
            }
            _ => Ok(user),
        }
    }
}

/// Changes users.
#[derive(Clone)]
pub struct UserUpdates {
    /// Where users are kept.
    pub users: Arc<dyn UserRepository>,
    /// Time and randomness.
    pub env: Env,
}

impl UserUpdates {
    /// Loads the user, calls `change` on it and saves what it gives; if it gives nothing, the user is
    /// as wanted already. If somebody else changed the user meanwhile, begins again; unless the
    /// caller said at which version the user must be.
    ///
    /// # Errors
    /// `NotFound`; `PreconditionFailed` if the user is not at `expected`; and what `change` and
    /// [`UserRepository::commit`] say.
    pub async fn change(
        &self,
        id: UserId,
        expected: Option<Version>,
        origin: &Origin,
        change: impl Fn(&User, &EventMetadata) -> Result<Option<Change>> + Send + Sync,
    ) -> Result<User> {
        let origin = origin.clone();
        let target = Target {
            id,
            expected: expected.map(|version| vec![version]),
            origin,
        };
        self.update(&target, change).await
    }

    /// [`UserUpdates::change`] of a target.
    ///
    /// # Errors
    /// As there.
    pub async fn update(
        &self,
        target: &Target,
        change: impl Fn(&User, &EventMetadata) -> Result<Option<Change>> + Send + Sync,
    ) -> Result<User> {
        let user = self.load(target).await?;
        self.update_loaded(user, target, change).await
    }

    /// The user as it is now, for commands that must know it before they know the change.
    ///
    /// # Errors
    /// `NotFound`; `PreconditionFailed` if the user is not at the version expected.
    pub async fn load(&self, target: &Target) -> Result<User> {
        target.check(self.users.find(target.id).await?)
    }

    /// [`UserUpdates::change`] of a user who was loaded just now. `change` is called again, on another
    /// state, if somebody else changed the user since.
    ///
    /// # Errors
    /// As there.
    pub async fn update_loaded(
        &self,
        mut user: User,
        target: &Target,
        change: impl Fn(&User, &EventMetadata) -> Result<Option<Change>> + Send + Sync,
    ) -> Result<User> {
        for _ in 0..ATTEMPTS {
            let metadata = self.env.metadata(target.origin.clone())?;
            let Some(change) = change(&user, &metadata)? else {
                return Ok(user);
            };
            match self.users.commit(&change).await {
                Err(Error::Refused(Refusal::VersionConflict)) if target.expected.is_some() => {
                    return Err(Refusal::PreconditionFailed.into());
                }
                Err(Error::Refused(Refusal::VersionConflict)) => user = self.load(target).await?,
                outcome => return outcome,
            }
        }
        Err(Refusal::VersionConflict.into())
    }
}
