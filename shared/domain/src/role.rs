//! Roles.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize};

use super::error::Violation;

/// What a user is to the application: a lower-case word of up to 32 letters, digits and hyphens.
/// Roster itself knows one, [`Role::admin`]; the others travel in the access token.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Role(String);

/// Characters a role may have.
const MAX_CHARS: usize = 32;

/// Roles a user may have: they all travel in each access token.
pub const MAX_ROLES: usize = 20;

/// The roles of one user.
pub type Roles = BTreeSet<Role>;

impl Role {
    /// Administers the users of this deployment.
    pub fn admin() -> Self {
        Self("admin".to_owned())
    }

    /// A role read back from storage, taken as it is: what was accepted once stays readable when a
    /// later release accepts less. Input is parsed instead.
    pub fn stored(raw: String) -> Self {
        Self(raw)
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Role {
    type Err = Violation;

    fn from_str(raw: &str) -> Result<Self, Violation> {
        let word = raw.len() <= MAX_CHARS
            && raw.starts_with(|c: char| c.is_ascii_lowercase())
            && raw
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if word {
            Ok(Self(raw.to_owned()))
        } else {
            Err(Violation::new(
                "invalid-role",
                format!("is not a lower-case word of 1 to {MAX_CHARS} letters, digits and hyphens"),
            ))
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// As [`Role::stored`]: only stored values and verified tokens are deserialized.
impl<'de> Deserialize<'de> for Role {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_a_short_lower_case_word() {
        for raw in ["admin", "support-2", "a"] {
            assert_eq!(raw.parse::<Role>().map(|role| role.0).as_deref(), Ok(raw));
        }
        for raw in ["", "Admin", "2nd", "-a", "a b", "ä", &"a".repeat(33)] {
            assert!(raw.parse::<Role>().is_err(), "{raw:?}");
        }
    }
}
