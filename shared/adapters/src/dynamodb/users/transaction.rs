//! The one transaction that writes a change of a user.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use domain::{
    Change, LoginKey, PasswordHash, Result, UserId,
    login::LoginChange,
    user::change::{AdminChange, Stamped},
};

use super::{
    failure::Guard,
    items::{LoginItem, UserItem, administrators},
};
use crate::dynamodb::{
    Entity, Table,
    expression::{ABSENT, Update, number, text},
    tokens,
};

const VERSION_IS_EXPECTED: &str = "#version = :expected AND attribute_not_exists(#deleted)";
const IS_THIS_USERS: &str = "#userId = :userId";

/// A change as one attempt writes it.
pub(super) struct Transaction {
    pub(super) writes: Vec<TransactWriteItem>,
    /// What the condition of each write guards.
    pub(super) guards: Vec<Guard>,
}

impl Transaction {
    /// The writes of `change`, as `stamped` for this attempt.
    pub(super) fn new(
        table: &Table,
        sessions: &Table,
        change: &Change,
        stamped: Stamped,
    ) -> Result<Self> {
        let Stamped { user, entry } = stamped;
        let (id, version) = (user.id, user.version);
        let (condition, values) = match change.expected() {
            None => (ABSENT, None),
            Some(expected) => {
                let values = HashMap::from([(":expected".to_owned(), number(expected.get()))]);
                (VERSION_IS_EXPECTED, Some(values))
            }
        };
        let mut transaction = Self {
            writes: Vec::new(),
            guards: Vec::new(),
        };
        let item = UserItem::new(user, change.erases);
        transaction.push(
            Guard::Version,
            table.putting(&id, &item, condition, values)?,
        );
        let event = table.putting(&(id, version), &entry, ABSENT, None)?;
        transaction.push(Guard::Version, event);
        for login in &change.logins {
            let (guard, write) = login_write(table, id, login)?;
            transaction.push(guard, write);
        }
        if let Some(token) = &change.token {
            transaction.push(Guard::Token, tokens::spending(sessions, token)?);
        }
        if let Some((guard, update)) = count(change.admins) {
            transaction.push(guard, table.updating(update)?);
        }
        Ok(transaction)
    }

    fn push(&mut self, guard: Guard, write: TransactWriteItem) {
        self.guards.push(guard);
        self.writes.push(write);
    }
}

fn login_write(
    table: &Table,
    user: UserId,
    change: &LoginChange,
) -> Result<(Guard, TransactWriteItem)> {
    Ok(match change {
        LoginChange::Claim(key, password) => {
            let login = LoginItem::new(user, password.as_ref());
            (Guard::Claim, table.putting(key, &login, ABSENT, None)?)
        }
        LoginChange::SetPassword(key, password) => (
            Guard::Ownership,
            table.updating(set_password(user, key, password))?,
        ),
        LoginChange::Release(key) => {
            let values = HashMap::from([(":userId".to_owned(), text(user))]);
            let delete = table.deleting(LoginItem::key(key), IS_THIS_USERS, values)?;
            (Guard::Ownership, delete)
        }
    })
}

fn set_password(user: UserId, key: &LoginKey, password: &PasswordHash) -> Update {
    Update {
        key: LoginItem::key(key),
        changes: "SET #passwordHash = :passwordHash",
        condition: Some(IS_THIS_USERS),
        values: vec![
            (":passwordHash", text(password.expose())),
            (":userId", text(user)),
        ],
    }
}

/// The update of the number of active administrators. The first one brings the item into being;
/// the last one cannot go.
fn count(change: AdminChange) -> Option<(Guard, Update)> {
    let step = |by: i128| (":step", number(by));
    let (guard, condition, values): (_, _, Vec<(_, AttributeValue)>) = match change {
        AdminChange::None => return None,
        AdminChange::Gained => (Guard::Administrators, None, vec![step(1)]),
        AdminChange::First => (
            Guard::NoAdministrator,
            Some("attribute_not_exists(#count) OR #count = :zero"),
            vec![step(1), (":zero", number(0))],
        ),
        AdminChange::Lost => (
            Guard::Administrators,
            Some("#count > :one"),
            vec![step(-1), (":one", number(1))],
        ),
    };
    let update = Update {
        key: administrators(),
        changes: "ADD #count :step",
        condition,
        values,
    };
    Some((guard, update))
}
