//! Names which are lower-case words: of roles, of services and their instances.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::error::Violation;

/// True if `raw` is a lower-case word of up to `longest` letters, digits and hyphens.
pub(super) fn is_word(raw: &str, longest: usize) -> bool {
    raw.len() <= longest
        && raw.starts_with(|c: char| c.is_ascii_lowercase())
        && raw
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// Characters of the name of a service, and of the id of an instance.
const MAX_CHARS: usize = 63;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident, $code:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = Violation;

            fn from_str(raw: &str) -> Result<Self, Violation> {
                if is_word(raw, MAX_CHARS) {
                    Ok(Self(raw.to_owned()))
                } else {
                    Err(Violation::new(
                        $code,
                        format!("is not a lower-case word of 1 to {MAX_CHARS} letters, digits and hyphens"),
                    ))
                }
            }
        }
    )+};
}

words! {
    /// The name of a service: a lower-case word of up to 63 letters, digits and hyphens.
    ServiceName, "invalid-service-name";
    /// What tells an instance from the others of its service: a word like a name.
    InstanceId, "invalid-instance-id";
}
