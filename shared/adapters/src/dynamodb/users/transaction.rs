//! The one transaction that writes a change of a user, and what it means that it was not written.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, CancellationReason, TransactWriteItem},
};
use domain::{
    Change, Error, LoginKey, PasswordHash, Refusal, Result, User, UserId,
    login::LoginChange,
    user::change::{AdminChange, Stamped},
};

use super::items::{LoginItem, UserItem, administrators};
use crate::dynamodb::{
    Entity, Table,
    error::{self, Fault},
    item::{ABSENT, Update, number, text},
    tokens,
};

const VERSION_IS_EXPECTED: &str = "#version = :expected AND attribute_not_exists(#deleted)";
const IS_THIS_USERS: &str = "#userId = :userId";

/// What a condition guards. If several are unmet, the first of these is the answer: the loser of
/// a race learns of the race, not of a past state; and a caller without a good token learns nothing of
/// addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Guard {
    /// Nobody else made this version.
    Version,
    /// The token is the one in its slot, and good.
    Token,
    /// Nobody has the login.
    Claim,
    /// An administrator remains.
    Administrators,
    /// There is no administrator yet.
    NoAdministrator,
    /// The user has the login, as the user's own item says.
    Ownership,
}

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
        let mut transaction = Self {
            writes: Vec::new(),
            guards: Vec::new(),
        };
        transaction.add(table, change, stamped)?;
        if let Some(token) = &change.token {
            transaction.push(Guard::Token, tokens::spending(sessions, token)?);
        }
        Ok(transaction)
    }

    /// The writes of `change` in the users table, and of the erasure which it comes with.
    fn add(&mut self, table: &Table, change: &Change, stamped: Stamped) -> Result<()> {
        if let Some(erasure) = &change.replaces {
            let now = stamped.entry.event.time;
            self.add(table, erasure, erasure.stamp(now))?;
        }
        let Stamped { user, entry } = stamped;
        let (id, version) = (user.id, user.version);
        let (condition, values) = match change.expected() {
            None => (ABSENT, None),
            Some(expected) => {
                let values = HashMap::from([(":expected".to_owned(), number(expected.get()))]);
                (VERSION_IS_EXPECTED, Some(values))
            }
        };
        for login in &change.logins {
            let (guard, write) = login_write(table, &user, login)?;
            self.push(guard, write);
        }
        let item = UserItem::new(user, change.erases);
        self.push(
            Guard::Version,
            table.putting(&id, &item, condition, values)?,
        );
        let event = table.putting(&(id, version), &entry, ABSENT, None)?;
        self.push(Guard::Version, event);
        if let Some((guard, update)) = count(change.admins) {
            self.push(guard, table.updating(update)?);
        }
        Ok(())
    }

    fn push(&mut self, guard: Guard, write: TransactWriteItem) {
        self.guards.push(guard);
        self.writes.push(write);
    }
}

fn login_write(
    table: &Table,
    user: &User,
    change: &LoginChange,
) -> Result<(Guard, TransactWriteItem)> {
    let owned_by = |id: UserId| HashMap::from([(":userId".to_owned(), text(id))]);
    Ok(match change {
        LoginChange::Claim(key, password) => {
            let login = LoginItem::new(user, password.as_ref());
            (Guard::Claim, table.putting(key, &login, ABSENT, None)?)
        }
        LoginChange::TakeOver {
            key,
            password,
            from,
        } => {
            let login = LoginItem::new(user, password.as_ref());
            let owned = Some(owned_by(*from));
            let put = table.putting(key, &login, IS_THIS_USERS, owned)?;
            (Guard::Ownership, put)
        }
        LoginChange::SetPassword(key, password) => (
            Guard::Ownership,
            table.updating(set_password(user, key, password))?,
        ),
        LoginChange::RemovePassword(key) => (
            Guard::Ownership,
            table.updating(remove_password(user, key))?,
        ),
        LoginChange::Release(key) => {
            let owned = owned_by(user.id);
            let delete = table.deleting(LoginItem::key(key), IS_THIS_USERS, owned)?;
            (Guard::Ownership, delete)
        }
    })
}

fn set_password(user: &User, key: &LoginKey, password: &PasswordHash) -> Update {
    let version = user.password_version.unwrap_or(user.version);
    Update {
        key: LoginItem::key(key),
        changes: "SET #passwordHash = :passwordHash, #passwordVersion = :passwordVersion",
        condition: Some(IS_THIS_USERS),
        values: vec![
            (":passwordHash", text(password.expose())),
            (":passwordVersion", number(version.get())),
            (":userId", text(user.id)),
        ],
    }
}

fn remove_password(user: &User, key: &LoginKey) -> Update {
    let version = user.password_version.unwrap_or(user.version);
    Update {
        key: LoginItem::key(key),
        changes: "SET #passwordVersion = :passwordVersion REMOVE #passwordHash",
        condition: Some(IS_THIS_USERS),
        values: vec![
            (":passwordVersion", number(version.get())),
            (":userId", text(user.id)),
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

/// Why a transaction was not written, or may not have been.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// A condition was not met.
    Refused(Refusal),
    /// Anything else.
    Fault(Fault),
}

impl Failure {
    /// What it means that a transaction with these guards failed with `error`.
    pub(super) fn of(
        table: &Table,
        guards: &[Guard],
        error: &SdkError<TransactWriteItemsError>,
    ) -> Self {
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                cancellation(guards, cancelled.cancellation_reasons())
            }
            _ => Self::Fault(table.fault("TransactWriteItems", error)),
        }
    }
}

/// The code of the reason of a write whose condition was not met.
const UNMET: &str = "ConditionalCheckFailed";

/// The code of the reason of a write with which nothing is wrong.
const MET: &str = "None";

/// What the reasons of a cancelled transaction mean; there is one for each write, in their order.
fn cancellation(guards: &[Guard], reasons: &[CancellationReason]) -> Failure {
    let codes = || reasons.iter().filter_map(CancellationReason::code);
    let troubles = || {
        let codes = reasons.iter().map(|reason| reason.code().unwrap_or(MET));
        guards.iter().zip(codes).filter(|(_, code)| *code != MET)
    };
    // Whether the token was good is not known, so nothing that it protects may show.
    let is_blind = troubles().any(|(guard, code)| *guard == Guard::Token && code != UNMET);
    let unmet = troubles()
        .filter(|(_, code)| *code == UNMET)
        .map(|(guard, _)| *guard)
        .filter(|guard| !is_blind || *guard <= Guard::Token)
        .min();
    let message = || format!("transaction cancelled: {:?}", codes().collect::<Vec<_>>());
    match unmet {
        // Decided anew, the change is made without the role.
        Some(Guard::Version | Guard::NoAdministrator) => Failure::Refused(Refusal::VersionConflict),
        Some(Guard::Claim) => Failure::Refused(Refusal::EmailTaken),
        Some(Guard::Token) => Failure::Refused(Refusal::TokenExpired),
        Some(Guard::Administrators) => Failure::Refused(Refusal::LastAdministrator),
        // The user's item and the login disagree, which no transaction of ours brings about.
        Some(Guard::Ownership) => Failure::Fault(Fault::Lasting(
            "a login of the user is another's".to_owned(),
        )),
        None if troubles().all(|(_, code)| code == UNMET || error::passes(code)) => {
            Failure::Fault(Fault::Passing(message()))
        }
        None => Failure::Fault(Fault::Lasting(message())),
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refusal) => refusal.into(),
            Failure::Fault(fault) => fault.into(),
        }
    }
}

#[cfg(test)]
mod tests;
