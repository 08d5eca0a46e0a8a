//! JSON as requests and lines of files have it: an object in which no name stands twice.
//!
//! Of a repeated name, some parsers take the first value and some the last. A gateway in front would
//! then judge another value than the one that counts here (RFC 8259, 4: names SHOULD be unique).

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value, error::Category};

/// Why a text is no such object. Holds nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonError {
    /// At this line and column, both from 1.
    NotJson(usize, usize),
    /// A name stands twice in one object; the second one before this line and column.
    RepeatedName(usize, usize),
    /// It is another type.
    NotAnObject,
}

/// The members of an object.
///
/// # Errors
/// If the text is no JSON object, or if a name stands twice in it, at any depth.
pub fn object(text: &[u8]) -> Result<Map<String, Value>, JsonError> {
    match serde_json::from_slice(text) {
        Ok(Unique(Value::Object(fields))) => Ok(fields),
        Ok(Unique(_)) => Err(JsonError::NotAnObject),
        // Every type is welcome, so a repeated name is all that can be wrong with the data.
        Err(error) if error.classify() == Category::Data => {
            Err(JsonError::RepeatedName(error.line(), error.column()))
        }
        Err(error) => Err(JsonError::NotJson(error.line(), error.column())),
    }
}

/// The same bytes for the same object: without white space, and its members in one order.
pub(in crate::http) fn canonical(text: &[u8]) -> Option<Vec<u8>> {
    serde_json::to_vec(&object(text).ok()?).ok()
}

/// A value without repeated names.
struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor).map(Self)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(Unique(element)) = elements.next_element()? {
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if fields.contains_key(&name) {
                return Err(A::Error::custom("a name stands twice"));
            }
            let Unique(value) = members.next_value()?;
            fields.insert(name, value);
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_read_as_serde_json_does() {
        let text = r#"{"a": [1, -1, 1.5, 1e400, "x\u0301", null, true, {"a": {}}], "b": 18446744073709551615}"#;
        let text = text.replace("1e400", "1e40");
        let expected: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(object(text.as_bytes()).map(Value::Object), Ok(expected));
    }

    #[test]
    fn a_name_that_stands_twice_is_refused_at_any_depth() {
        for text in [
            r#"{"a": 1, "a": 1}"#,
            r#"{"a": 1, "\u0061": 2}"#,
            r#"{"b": {"a": 1, "a": 2}}"#,
            r#"{"b": [{"a": 1}, {"a": 1, "a": 2}]}"#,
        ] {
            let error = object(text.as_bytes()).unwrap_err();
            assert!(
                matches!(error, JsonError::RepeatedName(1, _)),
                "{text}: {error:?}"
            );
        }
        assert!(object(br#"{"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]}"#).is_ok());
    }

    #[test]
    fn anything_else_is_no_object() {
        for text in ["7", "[]", "null", "\"a\""] {
            assert_eq!(
                object(text.as_bytes()),
                Err(JsonError::NotAnObject),
                "{text}"
            );
        }
        for text in [
            "",
            "{",
            "{\"a\": 1}}",
            "{\"a\" 1}",
            "\u{feff}{}",
            "{\"a\": 1e999}",
        ] {
            let error = object(text.as_bytes()).unwrap_err();
            assert!(matches!(error, JsonError::NotJson(..)), "{text}: {error:?}");
        }
        let deep = "[".repeat(100_000);
        let deep = format!("{{\"a\": {deep}");
        assert!(matches!(
            object(deep.as_bytes()),
            Err(JsonError::NotJson(..))
        ));
    }

    #[test]
    fn one_object_has_one_canonical_text() {
        let one = canonical(br#"{"b": {"d": 1, "c": [2, 1]}, "a": "x"}"#);
        let other = canonical(b"{\n\"a\":\"\\u0078\",\"b\":{\"c\":[2,1],\"d\":1}}");
        assert!(one.is_some());
        assert_eq!(one, other);
        assert_ne!(one, canonical(br#"{"b": {"d": 1, "c": [1, 2]}, "a": "x"}"#));
        assert_eq!(canonical(b"no JSON"), None);
    }
}
