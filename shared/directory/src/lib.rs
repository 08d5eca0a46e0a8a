//! The directory's read model: all users in memory, as columns.
//!
//! `DynamoDB` finds by key. Any filter, any substring, any order and the exact total need all rows,
//! and a million of them are about 100 MB: less than a function has. So the rows are kept in the
//! function's memory, one column for each attribute, and a question is answered by scanning. This
//! module is the model; it does no I/O. Whoever feeds it calls [`Columns::upsert`].
//!
//! | question | costs |
//! |---|---|
//! | a page, unfiltered | an index into a permutation that is kept sorted |
//! | a search | one pass of `memchr::memmem` over all folded text |
//! | a filter | one pass for each predicate, joined as bit sets |
//! | a page of a search or filter | one walk along the permutation, testing bits |
//!
//! Rows are only ever appended: a change appends the row's next version and marks the last one
//! dead, so text stays in the order of rows, which is what makes one scan of one buffer possible.
//! When a quarter of the rows is dead, the live are copied together.
//!
//! A new process need not be told all users one by one: the columns can be written as [`segment`]s,
//! of which a [`manifest`] says which belong together.

mod bits;
mod columns;
pub mod cursor;
mod evaluate;
pub mod feed;
pub mod fold;
mod growth;
pub mod listing;
pub mod manifest;
mod order;
pub mod ports;
mod query;
#[cfg(test)]
mod reference;
pub mod replica;
mod roles;
mod rows;
pub mod segment;
pub mod service;
pub mod specification;
mod spelling;
mod text;

#[cfg(test)]
mod tests;

use domain::{Timestamp, UserId, Version, user::Profile};

pub use columns::Columns;
pub use cursor::Cursor;
pub use manifest::{Manifest, SegmentName, SegmentRef};
pub use specification::Specification;

/// Partitions of the feed, since one takes no more than 1,000 writes a second. Fixed for ever: rows
/// written under other numbers would be read by nobody.
pub const SHARDS: usize = 4;

/// The partition of a user. The last byte of an id is random (RFC 9562, 5.7), hence its own hash.
pub fn shard_of(id: UserId) -> usize {
    let [.., last] = id.as_uuid().into_bytes();
    usize::from(last) % SHARDS
}

/// What the feed tells of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// The user is there.
    Present(Profile),
    /// The user was erased.
    Erased(Tombstone),
}

impl Row {
    /// Whether it is of a user who is there and satisfies `specification`, if one is given.
    pub fn matches(&self, specification: Option<&Specification>) -> bool {
        match (self, specification) {
            (_, None) => true,
            (Self::Present(user), Some(specification)) => specification.is_satisfied_by(user),
            (Self::Erased(_), Some(_)) => false,
        }
    }
}

/// What is left of an erased user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tombstone {
    /// Principal it was.
    pub id: UserId,
    /// The version that erased it.
    pub version: Version,
    /// When that was.
    pub updated_at: Timestamp,
}

/// There is no room for another row: columns address 4 GiB of text and as many rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the directory is full: it holds 4 GiB of text")]
pub struct Full;

/// A snapshot, or a part of one, that is not what was written, or was written by another version of
/// this program. Says what is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a snapshot is unreadable: {0}")]
pub struct Unreadable(pub &'static str);
