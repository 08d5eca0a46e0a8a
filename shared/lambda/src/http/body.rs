//! JSON bodies of requests: every wrong field is reported at once.

mod credentials;
pub mod json;

pub use credentials::PresentedCredentials;

use std::{collections::BTreeSet, ops::RangeInclusive, str::FromStr};

use domain::{FieldError, error::Violation};
use serde_json::{Map, Value};

use self::json::JsonError;
use super::{Error, TransportError};

/// Bytes a body may have.
const MAX_BODY: usize = 64 * 1024;

/// The body of a request. [`body!`](crate::body!) declares one.
pub trait RequestBody: Sized {
    /// Reads every field; `None` if one of them is wrong, which `object` then knows.
    fn read(object: &mut JsonObject) -> Option<Self>;
}

/// Declares the body of a request: each field with its type, and the method of [`JsonObject`] that
/// reads it.
///
/// ```
/// use domain::{Email, Name};
/// use lambda::http::body::JsonObject;
///
/// lambda::body! {
///     struct Body {
///         email: Email = text("email"),
///         name: Option<Name> = optional("name", JsonObject::text),
///     }
/// }
/// ```
#[macro_export]
macro_rules! body {
    (struct $body:ident { $($field:ident: $type:ty = $read:ident($($argument:expr),+)),* $(,)? }) => {
        struct $body { $($field: $type),* }

        impl $crate::http::body::RequestBody for $body {
            fn read(object: &mut $crate::http::body::JsonObject) -> Option<Self> {
                $(let $field = object.$read($($argument),+);)*
                Some(Self { $($field: $field?),* })
            }
        }
    };
}

/// A JSON object whose fields are taken one by one. What is wrong with them is collected.
#[derive(Debug)]
pub struct JsonObject {
    fields: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl JsonObject {
    /// Reads the whole of an object: a field that `read` does not take is unknown.
    ///
    /// # Errors
    /// Every wrong, missing and unknown field.
    pub fn read<T>(
        fields: Map<String, Value>,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Result<T, Vec<FieldError>> {
        let errors = Vec::new();
        let mut object = Self { fields, errors };
        let value = read(&mut object);
        for name in std::mem::take(&mut object.fields).keys() {
            let violation = Violation::new("unknown-field", "is not a field of this request");
            object.errors.push(violation.at(pointer(name)));
        }
        value
            .filter(|_| object.errors.is_empty())
            .ok_or(object.errors)
    }

    /// Takes a required string and parses it.
    pub fn text<T>(&mut self, name: &str) -> Option<T>
    where
        T: FromStr,
        Violation: From<T::Err>,
    {
        self.text_with(name, |text| Ok(text.parse()?))
    }

    /// Takes a required string and parses it with `parse`.
    pub fn text_with<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, Violation>,
    ) -> Option<T> {
        let text = match self.required(name)? {
            Value::String(text) => parse(&text),
            _ => Err(Violation::new("wrong-type", "must be a string")),
        };
        text.map_err(|violation| self.refuse(name, violation)).ok()
    }

    /// Takes a required field of any type and reads it with `read`.
    pub fn json<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&Value) -> Result<T, Violation>,
    ) -> Option<T> {
        let value = self.required(name)?;
        read(&value)
            .map_err(|violation| self.refuse(name, violation))
            .ok()
    }

    /// Takes the field that decides which other fields there are; the default if it is missing. If
    /// it is wrong, the others cannot be judged and are dropped.
    pub fn tag<T>(&mut self, name: &str) -> Option<T>
    where
        T: FromStr + Default,
        Violation: From<T::Err>,
    {
        let tag = self.optional(name, Self::text);
        if tag.is_none() {
            self.fields.clear();
        }
        tag.map(Option::unwrap_or_default)
    }

    /// Takes a field with `take` if it is there.
    pub fn optional<T>(
        &mut self,
        name: &str,
        take: impl FnOnce(&mut Self, &str) -> Option<T>,
    ) -> Option<Option<T>> {
        if self.fields.contains_key(name) {
            take(self, name).map(Some)
        } else {
            Some(None)
        }
    }

    /// Takes a required boolean.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        let Value::Bool(flag) = self.required(name)? else {
            self.refuse(name, Violation::new("wrong-type", "must be true or false"));
            return None;
        };
        Some(flag)
    }

    /// Takes a required whole number within `range`.
    pub fn integer(&mut self, name: &str, range: &RangeInclusive<u16>) -> Option<u16> {
        let value = self.required(name)?;
        let Some(number) = value.as_i64() else {
            self.refuse(name, Violation::new("wrong-type", "must be a whole number"));
            return None;
        };
        let number = u16::try_from(number).ok();
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            let message = format!("must be from {} to {}", range.start(), range.end());
            self.refuse(name, Violation::new("out-of-range", message));
        }
        number
    }

    /// Takes a required array of strings and parses each; repetitions count once. Every wrong element
    /// is reported at its own place.
    pub fn set<T>(&mut self, name: &str, maximum: usize) -> Option<BTreeSet<T>>
    where
        T: FromStr + Ord,
        Violation: From<T::Err>,
    {
        let Value::Array(elements) = self.required(name)? else {
            self.refuse(name, Violation::new("wrong-type", "must be an array"));
            return None;
        };
        let wrong_before = self.errors.len();
        let mut set = BTreeSet::new();
        for (index, element) in elements.iter().enumerate() {
            let element = match element.as_str() {
                Some(text) => text.parse().map_err(Violation::from),
                None => Err(Violation::new("wrong-type", "must be a string")),
            };
            match element {
                Ok(value) => _ = set.insert(value),
                Err(violation) => {
                    let place = format!("{}/{index}", pointer(name));
                    self.errors.push(violation.at(place));
                }
            }
        }
        if set.len() > maximum {
            let message = format!("must have at most {maximum} different elements");
            self.refuse(name, Violation::new("too-many", message));
        }
        (self.errors.len() == wrong_before).then_some(set)
    }

    fn required(&mut self, name: &str) -> Option<Value> {
        let value = self.fields.remove(name);
        if value.is_none() {
            self.refuse(name, Violation::new("required", "is missing"));
        }
        value
    }

    fn refuse(&mut self, name: &str, violation: Violation) {
        self.errors.push(violation.at(pointer(name)));
    }
}

/// A body and what is said of it.
#[derive(Debug)]
pub(super) struct Content<'a> {
    pub(super) body: &'a [u8],
    /// `Content-Type`.
    pub(super) kind: &'a str,
    /// `Content-Encoding`.
    pub(super) coding: &'a str,
}

/// Reads a body that must be a JSON object of one of these media types.
///
/// # Errors
/// Those of [`Request::body`](super::Request::body).
pub(super) fn read_json<T>(
    content: &Content<'_>,
    media_types: &[&str],
    read: impl FnOnce(&mut JsonObject) -> Option<T>,
) -> Result<T, Error> {
    if content.body.len() > MAX_BODY {
        return Err(TransportError::TooLarge.into());
    }
    let mut codings = content.coding.split(',').map(str::trim);
    if codings.any(|coding| !(coding.is_empty() || coding.eq_ignore_ascii_case("identity"))) {
        return Err(TransportError::UnsupportedCoding.into());
    }
    let essence = content.kind.split(';').next().unwrap_or_default().trim();
    if !media_types
        .iter()
        .any(|accepted| accepted.eq_ignore_ascii_case(essence))
    {
        return Err(TransportError::UnsupportedMediaType.into());
    }
    match json::object(content.body) {
        Ok(fields) => {
            JsonObject::read(fields, read).map_err(|errors| domain::Error::Invalid(errors).into())
        }
        Err(error) => Err(TransportError::Malformed(told(error)).into()),
    }
}

fn told(error: JsonError) -> String {
    match error {
        JsonError::NotAnObject => "the body is not a JSON object".to_owned(),
        JsonError::NotJson(line, column) => {
            format!("the body is not JSON: line {line}, column {column}")
        }
        JsonError::RepeatedName(line, column) => {
            format!("the body has a name twice in one object: line {line}, column {column}")
        }
    }
}

/// RFC 6901, 3.
fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// What a provider sent the client back with, and what the client knows of its own request.
#[cfg(test)]
mod tests;
