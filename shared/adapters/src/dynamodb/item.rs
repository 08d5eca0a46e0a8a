//! Items: what a table keeps under one key, and the expressions that read and write them.

use std::{collections::HashMap, fmt::Display, time::Duration};

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

/// An update of one item under a condition.
///
/// `#name` is the attribute `name`, so that no expression has one of DynamoDB's some six hundred reserved
/// words; `:name` is the value given for it. DynamoDB refuses an expression with a
/// value too many or too few.
#[derive(Debug, Clone)]
pub(super) struct Update {
    /// The item to update.
    pub(super) key: Key,
    /// The update expression.
    pub(super) changes: &'static str,
    /// The condition expression, if there is one.
    pub(super) condition: Option<&'static str>,
    /// The values of the placeholders `:name`.
    pub(super) values: Vec<(&'static str, AttributeValue)>,
}

impl Update {
    /// The attributes of the placeholders `#name`.
    pub(super) fn names(&self) -> HashMap<String, String> {
        names([self.changes, self.condition.unwrap_or_default()])
    }

    /// The values of the placeholders `:name`.
    pub(super) fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        values(&self.values)
    }
}

/// The values of the placeholders `:name`. DynamoDB refuses an empty map, but takes none.
pub(super) fn values(values: &[(&str, AttributeValue)]) -> Option<HashMap<String, AttributeValue>> {
    let named = values
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    (!values.is_empty()).then(|| named.collect())
}

/// The attributes of the placeholders `#name` in `expressions`.
pub(super) fn names<const N: usize>(expressions: [&str; N]) -> HashMap<String, String> {
    expressions
        .into_iter()
        .flat_map(|expression| expression.split(|c: char| c != '#' && !c.is_ascii_alphanumeric()))
        .filter_map(|word| word.strip_prefix('#'))
        .map(|name| (format!("#{name}"), name.to_owned()))
        .collect()
}

/// The condition that there is no item with the key.
pub(super) const ABSENT: &str = "attribute_not_exists(#pk)";

/// The condition that there is an item with the key, so that an update does not make one.
pub(super) const PRESENT: &str = "attribute_exists(#pk)";

/// Attribute type `S`.
pub(super) fn text(value: impl Display) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

/// Attribute type `N`.
pub(super) fn number(value: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

/// The attribute value of anything that serializes.
pub(super) fn value(value: &impl Serialize) -> Result<AttributeValue> {
    serde_dynamo::to_attribute_value(value).map_err(Error::caused_by)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_stands_for_its_own_name() {
        let names = names([
            "SET #fence = if_not_exists(#fence, :one), #leaseEndsAt=:now",
            "#a>:b",
        ]);
        let mut found: Vec<_> = names.iter().map(|(k, v)| format!("{k}={v}")).collect();
        found.sort();
        assert_eq!(found, ["#a=a", "#fence=fence", "#leaseEndsAt=leaseEndsAt"]);
    }
}
