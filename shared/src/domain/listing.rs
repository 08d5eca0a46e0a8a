//! Questions to the directory, and its answers.

use std::str::FromStr;

use super::{error::Violation, user::Profile};

/// A question to the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The page, from 1.
    pub page: u32,
    /// Users on a page: 1 to 100.
    pub limit: u32,
    /// Text that name or address must contain, in any letter case.
    pub search: Option<String>,
    /// The order.
    pub sort: Sort,
}

/// Users on a page at most.
pub const MAX_LIMIT: u32 = 100;

/// Users on a page if the caller does not say.
pub const DEFAULT_LIMIT: u32 = 10;

/// Characters in a search text at most.
pub const MAX_SEARCH_CHARS: usize = 256;

impl Default for Listing {
    fn default() -> Self {
        Self {
            page: 1,
            limit: DEFAULT_LIMIT,
            search: None,
            sort: Sort::default(),
        }
    }
}

/// An order of users; users alike in it are ordered by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// By what.
    pub key: SortKey,
    /// Greatest first.
    pub descending: bool,
}

/// By what users can be ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `User`")]
pub enum SortKey {
    CreatedAt,
    UpdatedAt,
    Name,
    Email,
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

impl FromStr for Sort {
    type Err = Violation;

    fn from_str(raw: &str) -> Result<Self, Violation> {
        let (descending, name) = match raw.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, raw),
        };
        let key = match name {
            "createdAt" => SortKey::CreatedAt,
            "updatedAt" => SortKey::UpdatedAt,
            "name" => SortKey::Name,
            "email" => SortKey::Email,
            _ => {
                let message =
                    "is not one of createdAt, updatedAt, name, email, with or without a leading -";
                return Err(Violation::new("invalid-sort", message));
            }
        };
        Ok(Self { key, descending })
    }
}

/// An answer of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The users of the page.
    pub users: Vec<Profile>,
    /// How many users there are on all pages.
    pub total: u64,
}
