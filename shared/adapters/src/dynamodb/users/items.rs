//! The items of the users table.

use domain::{
    Login, LoginKey, PasswordHash, Timestamp, User, UserId, Version,
    history::{Digest, HistoryEntry},
};
use serde::{Deserialize, Serialize};

use crate::dynamodb::{Entity, Key, feed};

/// What there is of a user now.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum UserItem {
    /// Nothing but that it was: the directory and the next writer must see that it is gone.
    Erased(Tombstone),
    /// The user.
    Present(Box<Row>),
}

/// A user in the table.
#[derive(Serialize, Deserialize)]
pub(super) struct Row {
    #[serde(flatten)]
    user: User,
    /// Its partition of the feed.
    feed: String,
}

/// What stays of an erased user: nothing about the person. The end of its history is still known.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tombstone {
    /// Always true; there only here.
    deleted: bool,
    id: UserId,
    created_at: Timestamp,
    updated_at: Timestamp,
    version: Version,
    chain: Digest,
    feed: String,
}

impl UserItem {
    /// The item of `user`, or its tombstone.
    pub(super) fn new(user: User, erased: bool) -> Self {
        let feed = feed::partition_of(user.id);
        if erased {
            Self::Erased(Tombstone {
                deleted: true,
                id: user.id,
                created_at: user.created_at,
                updated_at: user.updated_at,
                version: user.version,
                chain: user.chain,
                feed,
            })
        } else {
            Self::Present(Box::new(Row { user, feed }))
        }
    }

    /// The user, unless it was erased.
    pub(super) fn into_user(self) -> Option<User> {
        match self {
            Self::Erased(_) => None,
            Self::Present(row) => Some(row.user),
        }
    }
}

impl Entity for UserItem {
    type Id = UserId;

    fn key(id: &UserId) -> Key {
        Key::new(format!("USER#{id}"), "USER")
    }
}

/// What made a version of a user: outbox and history in one.
impl Entity for HistoryEntry {
    type Id = (UserId, Version);

    fn key((id, version): &(UserId, Version)) -> Key {
        // Twelve digits, so that texts sort as the numbers do.
        Key::new(format!("USER#{id}"), format!("EVENT#{:012}", version.get()))
    }
}

/// Sorts after every key of an event: `$` comes after `#`.
pub(super) const AFTER_EVENTS: &str = "EVENT$";

/// Principal has a login, and the one place where a password hash stands.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LoginItem {
    user_id: UserId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password_hash: Option<String>,
}

impl LoginItem {
    /// The item of a login of `user_id`.
    pub(super) fn new(user_id: UserId, password: Option<&PasswordHash>) -> Self {
        Self {
            user_id,
            password_hash: password.map(|hash| hash.expose().to_owned()),
        }
    }

    /// The login that the item under `key` is.
    pub(super) fn into_login(self, key: LoginKey) -> Login {
        Login {
            key,
            user_id: self.user_id,
            password: self.password_hash.map(PasswordHash::from_phc),
        }
    }
}

impl Entity for LoginItem {
    type Id = LoginKey;

    fn key(key: &LoginKey) -> Key {
        Key::new(format!("LOGIN#{key}"), "LOGIN")
    }
}

/// The number of active administrators.
#[derive(Serialize, Deserialize)]
pub(super) struct AdminCount {
    pub(super) count: u64,
}

impl Entity for AdminCount {
    type Id = ();

    fn key((): &()) -> Key {
        administrators()
    }
}

/// Where the number of active administrators stands, in the attribute `count`.
pub(super) fn administrators() -> Key {
    Key::new("ADMINS", "COUNT")
}
