//! The whole table of users, looked at and mended item by item: for operators. No function may scan.

use application::ports::Env;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, TransactWriteItem};
use domain::{
    Error, Login, LoginKey, Refusal, Result, User, UserId, Version, history::HistoryEntry,
    id::shard_of, user::Stored,
};
use serde::de::IgnoredAny;

use super::{
    items::{AdminCount, EVENT, LoginItem, UserItem, administrators, feed_partition},
    transaction::{Failure, Guard},
};
use crate::dynamodb::{
    Entity as _, Item, Key, Table,
    item::{self, ABSENT, Update, number, text},
    table::Written,
};

/// Reads and mends the table of users.
#[derive(Clone)]
pub struct Upkeep {
    table: Table,
    env: Env,
}

/// An item of the table.
#[derive(Debug)]
pub enum Found {
    User(Row),
    Login(LoginKey, UserId),
    /// The entry of this version in the history of a user.
    Entry(UserId, Version),
    /// The number of active administrators.
    Administrators(u64),
    /// What this program cannot read, or does not know.
    Unreadable(Key),
}

/// A user's item.
#[derive(Debug)]
pub struct Row {
    pub stored: Stored,
    /// Whether it stands in the feed, where the directory finds it.
    pub is_in_feed: bool,
}

impl Row {
    pub fn id(&self) -> UserId {
        match &self.stored {
            Stored::Present(user) => user.id,
            Stored::Erased(tombstone) => tombstone.id,
        }
    }

    pub fn version(&self) -> Version {
        match &self.stored {
            Stored::Present(user) => user.version,
            Stored::Erased(tombstone) => tombstone.version,
        }
    }

    /// The user, unless it was erased.
    pub fn user(&self) -> Option<&User> {
        match &self.stored {
            Stored::Present(user) => Some(user),
            Stored::Erased(_) => None,
        }
    }
}

impl Upkeep {
    pub(crate) fn new(table: Table, env: Env) -> Self {
        Self { table, env }
    }

    /// Some items, after the one with the key `after`; and the key of the last, if there are more.
    ///
    /// # Errors
    /// If the table does not answer.
    pub async fn page(&self, after: Option<Item>) -> Result<(Vec<Found>, Option<Item>)> {
        let table = &self.table;
        let scan = table.client.scan().table_name(&table.name);
        let scan = scan.consistent_read(true).set_exclusive_start_key(after);
        let page = scan
            .send()
            .await
            .map_err(|error| table.fault("Scan", &error))?;
        let items = page.items.unwrap_or_default();
        let found = items.into_iter().map(found).collect::<Result<_>>()?;
        Ok((found, page.last_evaluated_key))
    }

    /// The item of a user.
    ///
    /// # Errors
    /// If the table does not answer, or the item is not readable.
    pub async fn user(&self, id: UserId) -> Result<Option<Row>> {
        let table = &self.table;
        let got = table.client.get_item().table_name(&table.name);
        let got = got.set_key(Some(UserItem::key(&id).into_item()));
        let got = got.consistent_read(true).send().await;
        let got = got.map_err(|error| table.fault("GetItem", &error))?;
        got.item.map(row).transpose()
    }

    /// The owner of a login.
    ///
    /// # Errors
    /// If the table does not answer.
    pub async fn login(&self, key: &LoginKey) -> Result<Option<Login>> {
        let item = self.table.get::<LoginItem>(key).await?;
        Ok(item.map(|item| item.into_login(key.clone())))
    }

    /// Whether the history of a user has an entry of this version.
    ///
    /// # Errors
    /// If the table does not answer.
    pub async fn has_entry(&self, user: UserId, version: Version) -> Result<bool> {
        let entry = self.table.get::<HistoryEntry>(&(user, version)).await?;
        Ok(entry.is_some())
    }

    /// Makes a login that of `user`, without a password, if it still is the one of `from`, and the user is
    /// as read. Returns false if something changed.
    ///
    /// # Errors
    /// If the table does not answer.
    pub async fn give(&self, key: &LoginKey, from: Option<UserId>, user: &User) -> Result<bool> {
        let (condition, values) = owned_by(from);
        let login = LoginItem::without_password(user);
        let put = self.table.putting(key, &login, condition, values)?;
        let unchanged = self.unchanged(user.id, Some(user.version))?;
        self.write(vec![unchanged, put]).await
    }

    /// Removes a login of `from`, whose item is at `version`, or not there. Returns false if something changed.
    ///
    /// # Errors
    /// If the table does not answer.
    pub async fn remove(
        &self,
        key: &LoginKey,
        from: UserId,
        version: Option<Version>,
    ) -> Result<bool> {
        let (condition, values) = owned_by(Some(from));
        let values = values.unwrap_or_default();
        let delete = self
            .table
            .deleting(LoginItem::key(key), condition, values)?;
        let unchanged = self.unchanged(from, version)?;
        self.write(vec![unchanged, delete]).await
    }

    /// Puts a user's item into the feed, if it is as read. Returns false if it changed.
    ///
    /// # Errors
    /// If the table does not answer.
    pub async fn list(&self, row: &Row) -> Result<bool> {
        let update = Update {
            key: UserItem::key(&row.id()),
            changes: "SET #feed = :feed",
            condition: Some("#version = :version"),
            values: vec![
                (":feed", text(feed_partition(shard_of(row.id())))),
                (":version", number(row.version().get())),
            ],
        };
        let written = self.table.update::<IgnoredAny>(update).await?;
        Ok(matches!(written, Written::Done(_)))
    }

    /// Sets the number of active administrators, if it still is `from`. Returns false if it changed.
    ///
    /// # Errors
    /// If the table does not answer.
    pub async fn count(&self, from: Option<u64>, to: u64) -> Result<bool> {
        let mut values = vec![(":to", number(to))];
        values.extend(from.map(|from| (":from", number(from))));
        let update = Update {
            key: administrators(),
            changes: "SET #count = :to",
            condition: Some(from.map_or(ABSENT, |_| "#count = :from")),
            values,
        };
        let written = self.table.update::<IgnoredAny>(update).await?;
        Ok(matches!(written, Written::Done(_)))
    }

    /// The part of a transaction that demands the item of a user to be at this version, or not to be there.
    fn unchanged(&self, id: UserId, version: Option<Version>) -> Result<TransactWriteItem> {
        let condition = version.map_or(ABSENT, |_| "#version = :version");
        let version = version.map(|version| (":version", number(version.get())));
        let check = ConditionCheck::builder()
            .table_name(&self.table.name)
            .set_key(Some(UserItem::key(&id).into_item()))
            .condition_expression(condition)
            .set_expression_attribute_names(Some(item::names([condition])))
            .set_expression_attribute_values(item::values(version.as_slice()))
            .build()
            .map_err(Error::caused_by)?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    async fn write(&self, writes: Vec<TransactWriteItem>) -> Result<bool> {
        let guards = vec![Guard::Version; writes.len()];
        let token = self.env.random.token()?;
        let Err(error) = self.table.transact(writes, token).await else {
            return Ok(true);
        };
        match Failure::of(&self.table, &guards, &error) {
            Failure::Refused(Refusal::VersionConflict) => Ok(false),
            failure => Err(failure.into()),
        }
    }
}

/// The condition that a login is the one of this user, or that there is none.
fn owned_by(owner: Option<UserId>) -> (&'static str, Option<Item>) {
    match owner {
        None => (ABSENT, None),
        Some(owner) => {
            let values = Item::from([(":owner".to_owned(), text(owner))]);
            ("#userId = :owner", Some(values))
        }
    }
}

fn found(item: Item) -> Result<Found> {
    let key: Key = item::from_item(item.clone())?;
    Ok(read(item, &key).unwrap_or(Found::Unreadable(key)))
}

fn read(item: Item, key: &Key) -> Option<Found> {
    match (key.pk.split_once('#'), key.sk.as_str()) {
        (Some(("USER", id)), "USER") => {
            let row = row(item).ok()?;
            (row.id() == id.parse().ok()?).then_some(Found::User(row))
        }
        (Some(("USER", id)), sk) => {
            let version: u64 = sk.strip_prefix(EVENT)?.parse().ok()?;
            Some(Found::Entry(id.parse().ok()?, version.into()))
        }
        (Some(("LOGIN", login)), "LOGIN") => {
            let login = login.parse().ok()?;
            let item: LoginItem = item::from_item(item).ok()?;
            let owner = item.into_login(login);
            Some(Found::Login(owner.key, owner.user_id))
        }
        _ if *key == administrators() => {
            let counted: AdminCount = item::from_item(item).ok()?;
            Some(Found::Administrators(counted.count))
        }
        _ => None,
    }
}

fn row(item: Item) -> Result<Row> {
    let feed = item.get("feed").cloned();
    let read: UserItem = item::from_item(item)?;
    let mut row = Row {
        stored: read.into_stored(),
        is_in_feed: false,
    };
    let partition = feed_partition(shard_of(row.id()));
    row.is_in_feed = matches!(feed, Some(AttributeValue::S(feed)) if feed == partition);
    Ok(row)
}
