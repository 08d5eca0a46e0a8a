//! Members of a provider's JSON that may be missing. One of an unexpected type (`null` for a list, an
//! object for a name) is as good as missing: it must not cost everybody of that provider the sign-in.

use serde::{Deserialize as _, Deserializer, de::DeserializeOwned};
use serde_json::Value;

/// The member, if it is a `T`.
///
/// # Errors
/// If it is no JSON.
pub(super) fn optional<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

/// The texts of the member, if it is a list.
///
/// # Errors
/// If it is no JSON.
pub(super) fn texts<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<String>>, D::Error> {
    let list: Option<Vec<Value>> = optional(deserializer)?;
    let text = |value: Value| value.as_str().map(str::to_owned);
    Ok(list.map(|list| list.into_iter().filter_map(text).collect()))
}
