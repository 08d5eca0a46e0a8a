//! Display names.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::{Email, error::Violation, visibility};

/// Characters a name may have.
const MAX_CHARS: usize = 100;

/// How a user wants to be called: trimmed, NFC, 1 to 100 characters. At least one of them can be seen,
/// and those that cannot serve others: controls break lines in mails and logs, bidirectional overrides
/// make one name look like another (Unicode TR 36, 2.10), and so does whatever nobody sees.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Name(String);

impl Name {
    /// A name read back from storage, taken as it is: what was accepted once stays readable when a
    /// later release accepts less. Input is parsed instead.
    pub fn stored(raw: String) -> Self {
        Self(raw)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of a user who gave none: the part of the address before the `@`.
    pub fn of(email: &Email) -> Self {
        let local = email.as_str().split('@').next().unwrap_or_default();
        // Some characters of addresses are none of names.
        local.parse().unwrap_or_else(|_| Self("?".to_owned()))
    }
}

impl FromStr for Name {
    type Err = Violation;

    fn from_str(raw: &str) -> Result<Self, Violation> {
        let name: String = raw.trim().nfc().collect();
        if !name.chars().any(visibility::is_visible) {
            let message = "must have a character that can be seen";
            return Err(Violation::new("required", message));
        }
        if name.chars().count() > MAX_CHARS {
            return Err(Violation::new(
                "too-long",
                format!("has more than {MAX_CHARS} characters"),
            ));
        }
        if visibility::has_padding(&name) {
            let message = "has control characters, or others that cannot be seen";
            return Err(Violation::new("invalid-name", message));
        }
        Ok(Self(name))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Hidden, so that no name gets into logs by way of `{:?}`.
impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Name(***)")
    }
}

/// As [`Name::stored`]: only stored values are deserialized.
impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(raw: &str) -> Result<String, &'static str> {
        raw.parse::<Name>()
            .map(|name| name.0)
            .map_err(|violation| violation.code)
    }

    #[test]
    fn names_of_the_world_are_names() {
        for raw in [
            "Ann",
            "Ann Example",
            "李小龍",
            "Zoë O’Hara-Smith",
            "علی",
            "👩‍🚀",
            "علی‌رضا",
            "Zoë ❤️",
        ] {
            assert_eq!(code(raw).as_deref(), Ok(raw));
        }
        assert_eq!(code("  Ann ").as_deref(), Ok("Ann"));
        assert_eq!(
            code(&"é".repeat(100)).map(|name| name.chars().count()),
            Ok(100)
        );
    }

    #[test]
    fn a_stored_name_is_read_back_even_if_it_would_be_refused_today() {
        for raw in ["", "a\u{202e}b", " Ann "] {
            let read: Name = serde_json::from_value(raw.into()).unwrap();
            assert_eq!(read.as_str(), raw);
            assert_eq!(read, Name::stored(raw.to_owned()));
        }
    }

    #[test]
    fn who_tells_no_name_is_called_by_the_address() {
        for (address, name) in [
            ("ann.example@example.com", "ann.example"),
            ("a\u{202e}b@example.com", "?"),
        ] {
            let email = Email::stored(address.to_owned());
            assert_eq!(Name::of(&email).as_str(), name);
        }
    }

    #[test]
    fn debug_shows_no_name() {
        let name: Name = "Ann Example".parse().unwrap();
        assert_eq!(format!("{name:?}"), "Name(***)");
    }

    #[test]
    fn others_are_not() {
        assert_eq!(code(""), Err("required"));
        for raw in [
            " \t ",
            "\u{200b}\u{200b}\u{200b}",
            "\u{feff}",
            "\u{ad}",
            "\u{3164}",
            "\u{2800}",
            "\u{200e}",
            "\u{2060}",
            "\u{fe0f}",
            "\u{301}",
        ] {
            assert_eq!(code(raw), Err("required"), "{raw:?}");
        }
        assert_eq!(code(&"a".repeat(101)), Err("too-long"));
        for raw in [
            "a\nb",
            "a\u{0}b",
            "a\u{202e}b",
            "a\u{2028}b",
            "Ann\u{200b}",
            "A\u{ad}nn",
            "Ann\u{3164}",
            "Ann \u{2800}",
            "Ann\u{200d}",
        ] {
            assert_eq!(code(raw), Err("invalid-name"), "{raw:?}");
        }
    }
}
