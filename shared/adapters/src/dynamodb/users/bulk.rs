//! What becomes of a new user, for those who fill an empty table by other means.

use domain::{Change, Result, Timestamp, audit::AuditEntry, login::LoginChange};

use super::items::{LoginItem, UserItem};
use crate::dynamodb::item::{Item, to_item};

/// The items of a new user, by table.
#[derive(Debug, Clone)]
pub struct NewUserItems {
    /// The user, the event and the logins.
    pub users: Vec<Item>,
    /// The line of the audit trail.
    pub audit: Item,
}

/// The items which committing the creation `change` at `now` writes, and recording its event. Unless
/// the user is an administrator: those are counted.
///
/// # Errors
/// If an item cannot be made.
pub fn items_of_new(change: &Change, now: Timestamp) -> Result<NewUserItems> {
    let stamped = change.stamp(now);
    let (id, version) = (stamped.user.id, stamped.user.version);
    let line = AuditEntry::of_version(&stamped.entry.event, stamped.entry.hash);
    let mut users = vec![to_item(&(id, version), &stamped.entry)?];
    for login in &change.logins {
        if let LoginChange::Claim(key, password) = login {
            users.push(to_item(
                key,
                &LoginItem::new(&stamped.user, password.as_ref()),
            )?);
        }
    }
    users.push(to_item(&id, &UserItem::new(stamped.user, false))?);
    Ok(NewUserItems {
        users,
        audit: to_item(&(line.time, line.event_id), &line)?,
    })
}
