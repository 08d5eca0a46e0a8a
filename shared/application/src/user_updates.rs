//! Load, decide, commit: how every command changes a user.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use domain::{
    Actor, Authority, Change, Error, Origin, Refusal, Result, Timestamp, User, UserId, Version,
    event::EventMetadata,
};

use crate::{
    backoff::Backoff,
    ports::{Env, UserRepository},
};

/// The number of tries of a command whose user others change meanwhile.
const ATTEMPTS: u32 = 8;

/// The longest pause before the second of them. All together may take a second: by then a thief who
/// changes the account to keep a reset off has used up what users may change.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// Which user a command is about, and on what condition.
#[derive(Debug, Clone)]
pub struct Target {
    /// The user to be changed.
    pub id: UserId,
    /// The versions in the `If-Match` header, of which the user must have one; none if there was no header.
    pub expected: Option<Vec<Version>>,
    /// The caller, and from where the command came.
    pub origin: Origin,
    /// What the caller may do to users other than themselves.
    pub authority: Authority,
}

impl Target {
    /// Whether the caller may change `user`, who is the target.
    fn admits(&self, user: &User) -> Result<()> {
        if user.may_be_changed_by(self.origin.actor, self.authority) {
            Ok(())
        } else {
            Err(Refusal::Forbidden.into())
        }
    }
}

#[derive(Clone)]
pub struct UserUpdates {
    pub users: Arc<dyn UserRepository>,
    pub env: Env,
    /// Changes which users make of their own accounts: each is kept for good.
    pub changes_per_hour: u32,
}

/// In which changes are counted.
const WINDOW: Duration = Duration::from_hours(1);

impl UserUpdates {
    /// Loads the user, calls `change` on it and commits the result; without a result the user stays
    /// as it is. If somebody else changed the user meanwhile, begins again, unless the caller named a
    /// version.
    ///
    /// # Errors
    /// Those of [`UserUpdates::load`], `change` and [`UserRepository::commit`]; `TooManyRequests` if the
    /// caller is the user, who was changed too often.
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
    /// `NotFound`; `Forbidden` if the caller may not change a user with these roles;
    /// `PreconditionFailed` if the user is not at the expected version.
    pub async fn load(&self, target: &Target) -> Result<User> {
        let user = self.users.find(target.id).await?;
        let user = user.ok_or(Refusal::NotFound)?;
        target.admits(&user)?;
        match &target.expected {
            Some(expected) if !expected.contains(&user.version) => {
                Err(Refusal::PreconditionFailed.into())
            }
            _ => Ok(user),
        }
    }

    /// Whether the caller may change the user at all, for commands that change something beside the user.
    /// Administrators and the user may without a look.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`.
    pub async fn check(&self, target: &Target) -> Result<()> {
        let is_owner = target.origin.actor == Actor::User(target.id);
        if is_owner || target.authority == Authority::Admin {
            return Ok(());
        }
        let user = self.users.find(target.id).await?;
        target.admits(&user.ok_or(Refusal::NotFound)?)
    }

    /// [`UserUpdates::update`] of a user who was loaded just now. `change` is called again, on another
    /// state, if somebody else changed the user since.
    ///
    /// # Errors
    /// As there.
    pub async fn update_loaded(
        &self,
        user: User,
        target: &Target,
        change: impl Fn(&User, &EventMetadata) -> Result<Option<Change>> + Send + Sync,
    ) -> Result<User> {
        let mut loaded = Some(user);
        let change = &change;
        commit(&*self.users, &self.env, || {
            let loaded = loaded.take();
            async move {
                let user = match loaded {
                    Some(user) => user,
                    None => self.load(target).await?,
                };
                target.admits(&user)?;
                let metadata = self.env.metadata(target.origin.clone())?;
                let Some(change) = change(&user, &metadata)? else {
                    return Ok(ControlFlow::Break(user));
                };
                if metadata.origin.actor == Actor::User(user.id) {
                    self.limit(&user, &change, metadata.now).await?;
                }
                Ok(ControlFlow::Continue(change))
            }
        })
        .await
    }

    /// Refuses a change of users by themselves after too many within an hour. The history is the counter:
    /// nothing is read before there are so many versions, and nothing is ever written.
    ///
    /// What shuts a thief out is never refused, who may have used the limit up. Each such change takes
    /// another sign-in, or a request for an address, which have limits of their own.
    async fn limit(&self, user: &User, change: &Change, now: Timestamp) -> Result<()> {
        let most = u64::from(self.changes_per_hour);
        let first = (user.version.get() + 1).checked_sub(most);
        let Some(first) = first.filter(|first| *first > 0 && !change.revokes(user)) else {
            return Ok(());
        };
        let entry = self.users.history_entry(user.id, first.into()).await?;
        let until = entry.map(|entry| entry.event.time.plus(WINDOW));
        match until.filter(|until| *until > now) {
            Some(until) => Err(Refusal::too_many(now.until(until)).into()),
            None => Ok(()),
        }
    }
}

/// Commits the change that `decide` makes of what it loads; where it breaks off, the user stays as it is.
/// If somebody else changed the user meanwhile, decides anew, a few times with growing pauses.
///
/// # Errors
/// Those of `decide` and [`UserRepository::commit`].
pub async fn commit<F>(
    users: &dyn UserRepository,
    env: &Env,
    mut decide: impl FnMut() -> F,
) -> Result<User>
where
    F: Future<Output = Result<ControlFlow<User, Change>>>,
{
    let mut backoff = Backoff::new(env, ATTEMPTS, FIRST_PAUSE);
    loop {
        let change = match decide().await? {
            ControlFlow::Break(user) => return Ok(user),
            ControlFlow::Continue(change) => change,
        };
        match users.commit(&change).await {
            Err(Error::Refused(Refusal::VersionConflict)) if backoff.pause().await? => {}
            outcome => return outcome,
        }
    }
}
