//! The ports over DynamoDB.
//!
//! An entity is a struct with serde's derives and an [`Entity`] impl that names its key; [`Table`]
//! reads and writes every such struct. An adapter adds what is its own: conditions.
//!
//! No code path scans a table, and every expression names its attributes by placeholder.

mod backoff;
mod error;
mod expression;
mod filter;
mod item;
mod query;
mod table;

#[cfg(test)]
#[path = "../../../tests/contract/tables.rs"]
#[allow(dead_code, reason = "the contract suite uses the rest")]
mod tables;

pub mod attempts;
pub mod audit;
pub mod cache;
pub mod feed;
pub mod keys;
pub mod leases;
pub mod outbox;
pub mod requests;
pub mod sessions;
pub mod snapshots;
pub mod tokens;
pub mod users;

pub use attempts::AttemptCounts;
pub use audit::Audit;
pub use cache::CacheItems;
pub use feed::Feed;
pub use item::{Entity, Item, Key, from_item};
pub use keys::Keys;
pub use leases::LeaseRecords;
pub use requests::Requests;
pub use sessions::Sessions;
pub use snapshots::SnapshotStore;
pub use table::{ATTEMPT_LIMIT, CALL_LIMIT, Table};
pub use tokens::Tokens;
pub use users::{COMMIT_LIMIT, Users};
