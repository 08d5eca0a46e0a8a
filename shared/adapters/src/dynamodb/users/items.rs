//! The items of the users table.

use domain::{
    Login, LoginKey, PasswordHash, User, UserId, Version,
    history::HistoryEntry,
    id::shard_of,
    user::{Stored, Tombstone},
};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::Value;

use crate::dynamodb::{Entity, Key};

/// A user as the table keeps it.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum UserItem {
    /// The user was erased. The directory and the next writer must see that it is gone.
    Erased(Marker),
    /// The user is there.
    Present(Box<Row>),
}

/// The user, and its partition of the feed.
#[derive(Serialize)]
pub(super) struct Row {
    #[serde(flatten)]
    user: User,
    feed: String,
}

/// The tombstone of an erased user, and its partition of the feed.
#[derive(Serialize, Deserialize)]
pub(super) struct Marker {
    /// Always true. A user's item does not have it.
    deleted: bool,
    #[serde(flatten)]
    tombstone: Tombstone,
    feed: String,
}

impl UserItem {
    /// The item of `user`, or its tombstone.
    pub(super) fn new(user: User, erased: bool) -> Self {
        let feed = feed_partition(shard_of(user.id));
        if erased {
            Self::Erased(Marker {
                deleted: true,
                tombstone: Tombstone::of(&user),
                feed,
            })
        } else {
            Self::Present(Box::new(Row { user, feed }))
        }
    }

    /// Reads an item: a [`Marker`] if it says so, or else a user.
    fn read(item: Value) -> Result<Self, serde_path_to_error::Error<serde_json::Error>> {
        if item.get("deleted").is_some() {
            return serde_path_to_error::deserialize(item).map(Self::Erased);
        }
        let user: User = serde_path_to_error::deserialize(item)?;
        Ok(Self::new(user, false))
    }

    /// The user, unless it was erased.
    pub(super) fn into_user(self) -> Option<User> {
        match self {
            Self::Erased(_) => None,
            Self::Present(row) => Some(row.user),
        }
    }

    pub(super) fn into_stored(self) -> Stored {
        match self {
            Self::Erased(marker) => Stored::Erased(marker.tombstone),
            Self::Present(row) => Stored::Present(Box::new(row.user)),
        }
    }
}

/// The value of the attribute `feed` for the users of a shard, which is below
/// [`SHARDS`](domain::id::SHARDS): the partition of the index that the directory reads.
pub(in crate::dynamodb) fn feed_partition(shard: usize) -> String {
    format!("FEED#{shard}")
}

/// By hand, since serde does not say which field of an untagged enum it could not read.
impl<'de> Deserialize<'de> for UserItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(Value::deserialize(deserializer)?).map_err(D::Error::custom)
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
        Key::new(
            format!("USER#{id}"),
            format!("{EVENT}{:012}", version.get()),
        )
    }
}

/// How the sort key of an event begins.
pub(in crate::dynamodb) const EVENT: &str = "EVENT#";

/// Sorts after every key of an event: `$` comes after `#`.
pub(super) const AFTER_EVENTS: &str = "EVENT$";

/// The owner of a login, and the one place where a password hash is stored.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LoginItem {
    user_id: UserId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password_hash: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password_version: Option<Version>,
}

impl LoginItem {
    /// The item of a login of `user`.
    pub(super) fn new(user: &User, password: Option<&PasswordHash>) -> Self {
        Self {
            user_id: user.id,
            password_hash: password.map(|hash| hash.expose().to_owned()),
            password_version: password.and(user.password_version),
        }
    }

    /// The item of a login of `user` by which nobody gets in before the next reset.
    pub(super) fn without_password(user: &User) -> Self {
        Self {
            user_id: user.id,
            password_hash: None,
            password_version: user.password_version,
        }
    }

    /// The login that the item under `key` is.
    pub(super) fn into_login(self, key: LoginKey) -> Login {
        Login {
            key,
            user_id: self.user_id,
            password: self.password_hash.map(PasswordHash::from_phc),
            password_version: self.password_version,
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stored() -> Value {
        json!({
            "id": "00000000-03e8-7101-8101-010101010101",
            "email": "an address which later rules refuse",
            "emailVerified": true,
            "name": " a name which later rules refuse ",
            "active": true,
            "createdAt": "2026-11-24T16:32:33.120400Z",
            "updatedAt": "2026-11-24T16:32:33.120400Z",
            "version": 1,
            "authEpoch": 0,
            "logins": ["email#an address which later rules refuse"],
            "chain": domain::history::Digest::NONE,
            "feed": "FEED#1",
        })
    }

    #[test]
    fn what_later_rules_refuse_is_still_read() {
        let user = UserItem::read(stored()).unwrap().into_user().unwrap();
        assert_eq!(user.email.as_str(), stored()["email"]);
        assert_eq!(user.name.as_str(), stored()["name"]);
        assert_eq!(user.logins, [LoginKey::Email(user.email.clone())]);
    }

    #[test]
    fn an_unreadable_field_is_named() {
        let mut item = stored();
        item["version"] = json!("one");
        let error = UserItem::read(item).err().unwrap().to_string();
        assert!(error.starts_with("version: "), "{error}");
        let mut item = stored();
        item.as_object_mut().unwrap().remove("chain");
        let error = UserItem::read(item).err().unwrap().to_string();
        assert!(error.contains("`chain`"), "{error}");
    }
}
