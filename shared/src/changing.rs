//! Load, call, save: how every command changes a user.

use std::sync::Arc;

use crate::{
    domain::{Change, Error, Origin, Refusal, Result, User, UserId, Version, change::Occasion},
    ports::{Circumstances, UserRepository},
};

/// How often a command that names no version is tried again on the user as changed by others.
const ATTEMPTS: usize = 5;

/// Changes users.
#[derive(Clone)]
pub struct Changing {
    /// Where users are kept.
    pub users: Arc<dyn UserRepository>,
    /// Time and randomness.
    pub circumstances: Circumstances,
}

impl Changing {
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
        change: impl Fn(&User, &Occasion) -> Result<Option<Change>> + Send + Sync,
    ) -> Result<User> {
        for _ in 0..ATTEMPTS {
            let user = self.users.find(id).await?.ok_or(Refusal::NotFound)?;
            if expected.is_some_and(|expected| expected != user.version) {
                return Err(Refusal::PreconditionFailed.into());
            }
            let occasion = self.circumstances.occasion(origin.clone())?;
            let Some(change) = change(&user, &occasion)? else {
                return Ok(user);
            };
            match self.users.commit(&change).await {
                Err(Error::Refused(Refusal::VersionConflict)) if expected.is_some() => {
                    return Err(Refusal::PreconditionFailed.into());
                }
                Err(Error::Refused(Refusal::VersionConflict)) => {}
                outcome => return outcome,
            }
        }
        Err(Refusal::VersionConflict.into())
    }
}
