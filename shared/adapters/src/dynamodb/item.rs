//! Items: what a table keeps under one key.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{Error, Result, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// An item as the SDK has it.
pub type Item = HashMap<String, AttributeValue>;

/// The key of an item, in every table of ours.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Key {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

/// The names of the key's attributes.
const NAMES: [&str; 2] = ["pk", "sk"];

impl Key {
    /// The key of an item.
    pub fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self {
            pk: pk.into(),
            sk: sk.into(),
        }
    }

    /// The key's attributes.
    pub(super) fn into_item(self) -> Item {
        NAMES
            .map(str::to_owned)
            .into_iter()
            .zip([self.pk, self.sk].map(AttributeValue::S))
            .collect()
    }
}

/// A thing that a table keeps: serde says what of it, this says where.
pub trait Entity: Serialize + DeserializeOwned + Send + Sync {
    /// Identifies one among those of its type.
    type Id: ?Sized + Sync;

    fn key(id: &Self::Id) -> Key;
}

/// The item that keeps `entity`, which has this id.
pub(super) fn to_item<E: Entity>(id: &E::Id, entity: &E) -> Result<Item> {
    let mut item: Item = serde_dynamo::to_item(entity).map_err(Error::caused_by)?;
    item.extend(E::key(id).into_item());
    Ok(item)
}

/// The entity that `item` keeps.
///
/// # Errors
/// `Internal` if the item is not readable as a `T`.
pub fn from_item<T: DeserializeOwned>(item: Item) -> Result<T> {
    serde_dynamo::from_item(item).map_err(Error::caused_by)
}

/// How long an item stays once it has expired. Reads judge expiry by themselves, so this serves
/// those who look into a table, and keeps a lagging clock from losing what it still needs.
const REMAINS: Duration = Duration::from_hours(24);

/// The `ttl` of an item that expires at `time`: when DynamoDB may collect it, in epoch seconds.
pub(super) fn ttl(time: Timestamp) -> i64 {
    time.plus(REMAINS).as_seconds()
}
