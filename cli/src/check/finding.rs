//! What is wrong, and how it is mended.

use std::fmt;

use adapters::dynamodb::{
    Key,
    users::{Row, Upkeep},
};
use shared::domain::{LoginKey, Result, User, UserId, Version};

use super::census::{Census, Suspicion};

/// What is wrong.
pub(super) enum Finding {
    /// Nobody names this login: who has the address cannot sign up.
    Orphan {
        key: LoginKey,
        owner: UserId,
        version: Option<Version>,
    },
    /// A user names this login, and it is nobody's, or somebody's who does not name it.
    Missing {
        key: LoginKey,
        owner: Option<UserId>,
        user: Box<User>,
    },
    /// Several users name this login.
    Contested { key: LoginKey, users: Vec<UserId> },
    /// The directory does not find this user.
    Unlisted(Row),
    /// The user is at one version, and the history ends at another.
    Torn {
        user: UserId,
        version: Option<Version>,
        next: bool,
    },
    /// There are more or fewer active administrators than are counted.
    Miscounted { counted: Option<u64>, there: u64 },
    /// This program cannot read the item.
    Unreadable(Key),
}

/// What became of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mended {
    Yes,
    No,
    /// Somebody wrote meanwhile.
    Changed,
}

impl Mended {
    pub(super) fn mark(self) -> &'static str {
        match self {
            Self::Yes => "mended: ",
            Self::No => "",
            Self::Changed => "changed meanwhile: ",
        }
    }
}

impl Suspicion {
    /// What is wrong indeed.
    pub(super) async fn judge(self, upkeep: &Upkeep, census: &Census) -> Result<Option<Finding>> {
        match self {
            Self::Login(key) => judge_login(key, upkeep, census).await,
            Self::Feed(id) => {
                let row = upkeep.user(id).await?;
                Ok(row.filter(|row| !row.is_in_feed).map(Finding::Unlisted))
            }
            Self::History(id) => judge_history(id, upkeep).await,
            Self::Administrators { counted, there } => {
                Ok(Some(Finding::Miscounted { counted, there }))
            }
            Self::Unreadable(key) => Ok(Some(Finding::Unreadable(key))),
        }
    }
}

async fn judge_login(key: LoginKey, upkeep: &Upkeep, census: &Census) -> Result<Option<Finding>> {
    let owner = upkeep.login(&key).await?.map(|login| login.user_id);
    let mut users = Vec::new();
    let mut version = None;
    let claimants = census.claimants(&key).iter().copied();
    let claimants = claimants.filter(|id| Some(*id) != owner);
    for id in owner.into_iter().chain(claimants) {
        let row = upkeep.user(id).await?;
        if Some(id) == owner {
            version = row.as_ref().map(Row::version);
        }
        let user = row.as_ref().and_then(Row::user);
        users.extend(user.filter(|user| user.logins.contains(&key)).cloned());
    }
    Ok(match (users.len(), owner) {
        (0, None) => None,
        (0, Some(owner)) => Some(Finding::Orphan {
            key,
            owner,
            version,
        }),
        (1, owner) => {
            let user = users.remove(0);
            (Some(user.id) != owner).then(|| Finding::Missing {
                key,
                owner,
                user: Box::new(user),
            })
        }
        _ => Some(Finding::Contested {
            key,
            users: users.into_iter().map(|user| user.id).collect(),
        }),
    })
}

async fn judge_history(user: UserId, upkeep: &Upkeep) -> Result<Option<Finding>> {
    let version = upkeep.user(user).await?.map(|row| row.version());
    let last = match version {
        Some(version) => upkeep.has_entry(user, version).await?,
        None => true,
    };
    let following = version.map_or(Version::FIRST, Version::next);
    let next = upkeep.has_entry(user, following).await?;
    Ok((!last || next).then_some(Finding::Torn {
        user,
        version,
        next,
    }))
}

impl Finding {
    /// Whether there is one right answer.
    pub(super) fn can_be_mended(&self) -> bool {
        match self {
            Self::Orphan { .. }
            | Self::Missing { .. }
            | Self::Unlisted(_)
            | Self::Miscounted { .. } => true,
            Self::Contested { .. } | Self::Torn { .. } | Self::Unreadable(_) => false,
        }
    }

    pub(super) async fn mend(&self, upkeep: &Upkeep) -> Result<Mended> {
        let written = match self {
            Self::Orphan {
                key,
                owner,
                version,
            } => upkeep.remove(key, *owner, *version).await?,
            Self::Missing { key, owner, user } => upkeep.give(key, *owner, user).await?,
            Self::Unlisted(row) => upkeep.list(row).await?,
            Self::Miscounted { counted, there } => upkeep.count(*counted, *there).await?,
            Self::Contested { .. } | Self::Torn { .. } | Self::Unreadable(_) => {
                return Ok(Mended::No);
            }
        };
        Ok(if written {
            Mended::Yes
        } else {
            Mended::Changed
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Orphan { key, owner, .. } => {
                write!(f, "login {key} is the one of {owner}, who does not have it")
            }
            Self::Missing { key, owner, user } => {
                write!(f, "login {key} of {} is ", user.id)?;
                match owner {
                    Some(owner) => write!(f, "with {owner}, who does not have it"),
                    None => write!(f, "not there"),
                }
            }
            Self::Contested { key, users } => {
                let users: Vec<_> = users.iter().map(ToString::to_string).collect();
                write!(f, "login {key} is claimed by {}", users.join(" and "))
            }
            Self::Unlisted(row) => write!(f, "user {} is not in the feed", row.id()),
            Self::Torn {
                user,
                version,
                next,
            } => {
                let end = if *next {
                    "goes on after it"
                } else {
                    "lacks it"
                };
                match version {
                    Some(version) => {
                        write!(
                            f,
                            "user {user} is at version {}, and the history {end}",
                            version.get()
                        )
                    }
                    None => write!(f, "user {user} is not there, and has a history"),
                }
            }
            Self::Miscounted { counted, there } => {
                let counted = counted.unwrap_or_default();
                write!(
                    f,
                    "{counted} active administrators are counted, and {there} are there"
                )
            }
            Self::Unreadable(key) => {
                write!(f, "item {} {} is not readable", key.pk, key.sk)
            }
        }
    }
}
