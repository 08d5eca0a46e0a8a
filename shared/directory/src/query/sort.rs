//! The order of users.

use std::{fmt, str::FromStr};

use domain::error::Violation;

/// An order of users. Users with equal keys are ordered by id; descending is the exact reverse of
/// ascending, ids included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// The attribute.
    pub key: SortKey,
    /// Greatest first.
    pub descending: bool,
}

/// The attributes by which users can be sorted. Texts are compared folded, code point by code point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `User`")]
pub enum SortKey {
    CreatedAt,
    UpdatedAt,
    Name,
    Email,
}

impl SortKey {
    pub const ALL: [Self; 4] = [Self::CreatedAt, Self::UpdatedAt, Self::Name, Self::Email];

    /// The name of the field.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreatedAt => "createdAt",
            Self::UpdatedAt => "updatedAt",
            Self::Name => "name",
            Self::Email => "email",
        }
    }
}

impl Default for Sort {
    /// Newest first.
    fn default() -> Self {
        Self {
            key: SortKey::CreatedAt,
            descending: true,
        }
    }
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.descending { "-" } else { "" };
        write!(f, "{sign}{}", self.key.as_str())
    }
}

impl FromStr for Sort {
    type Err = Violation;

    fn from_str(raw: &str) -> Result<Self, Violation> {
        let (descending, name) = match raw.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, raw),
        };
        let key = SortKey::ALL.into_iter().find(|key| key.as_str() == name);
        let key = key.ok_or_else(|| {
            let message =
                "is not one of createdAt, updatedAt, name, email, with or without a leading -";
            Violation::new("invalid-sort", message)
        })?;
        Ok(Self { key, descending })
    }
}
