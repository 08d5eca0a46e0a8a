//! What is asked of the directory, and what it answers.

pub mod cursor;
pub mod filter;
pub mod fold;
#[cfg(test)]
pub(crate) mod reference;
pub(crate) mod search;

use std::{fmt, str::FromStr};

use domain::{error::Violation, user::Profile};

pub use self::{cursor::Cursor, search::MAX_SEARCH_WORDS};

use self::filter::Specification;

/// Which users to list, and which page of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserQuery {
    /// Where the page begins.
    pub position: Position,
    /// Users on a page: 1 to [`MAX_LIMIT`].
    pub limit: u32,
    /// Words which name or address must contain, in any order and letter case; diacritics count in words
    /// that have some.
    pub search: Option<String>,
    /// What users must satisfy as well.
    pub filter: Option<Specification>,
    /// The order. That of the cursor, if there is one.
    pub sort: Sort,
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Position {
    /// At the first user; the next page is found by cursor.
    #[default]
    Start,
    /// At a page by its number, from 1. Users who come or go before it move it.
    Page(u32),
    /// Beside the place a cursor names. Users who come or go do not move it.
    Cursor(Cursor),
}

/// Users on a page at most.
pub const MAX_LIMIT: u32 = 100;

/// Users on a page unless the caller gives a limit.
pub const DEFAULT_LIMIT: u32 = 10;

/// Characters in a search text at most.
pub const MAX_SEARCH_CHARS: usize = 256;

impl Default for UserQuery {
    fn default() -> Self {
        Self {
            position: Position::Start,
            limit: DEFAULT_LIMIT,
            search: None,
            filter: None,
            sort: Sort::default(),
        }
    }
}

impl UserQuery {
    /// How many users come before the page; none if a cursor says where it begins.
    pub fn offset(&self) -> Option<u64> {
        let page = match self.position {
            Position::Start => 1,
            Position::Page(page) => page,
            Position::Cursor(_) => return None,
        };
        Some(u64::from(page.saturating_sub(1)) * u64::from(self.limit))
    }
}

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

/// One page of the users a query found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPage {
    /// The users of the page.
    pub users: Vec<Profile>,
    /// Users on all pages, exactly.
    pub total: u64,
    /// Where the next page begins; none after the last user.
    pub next: Option<Cursor>,
    /// Where the page before ends; none before the first user.
    pub previous: Option<Cursor>,
}
