//! The items of the users table.

use serde::{Deserialize, Serialize};

use crate::{
    adapters::dynamodb::{Entity, Key, feed},
    domain::{Login, LoginKey, PasswordHash, User, UserId, Version, history::HistoryEntry},
};

/// A user as it is now.
#[derive(Serialize, Deserialize)]
pub(super) struct UserItem {
    /// The user.
    #[serde(flatten)]
    pub(super) user: User,
    /// Its partition of the feed.
    feed: String,
}

impl UserItem {
    /// The item of `user`.
    pub(super) fn new(user: User) -> Self {
        let feed = feed::partition_of(user.id);
        Self { user, feed }
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

/// Who has a login, and the one place where a password hash stands.
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

/// Where the number of active administrators stands, in the attribute `count`.
pub(super) fn administrators() -> Key {
    Key::new("ADMINS", "COUNT")
}
