//! The directory: the read model behind `GET /users`.
//!
//! `DynamoDB` finds by key. Any filter, any substring, any order and the exact total need all rows,
//! and a million of them are about 100 MB: less than a function has. So the rows are kept in the
//! function's memory as columns, and a query is answered by scanning them.
//!
//! | module | what | depends on |
//! |---|---|---|
//! | [`query`] | what is asked and what is answered: filter, search, sort, cursor | |
//! | [`row`] | what the feed says of a user | query |
//! | [`columns`] | all users in memory, and how a query is answered from them | row |
//! | [`snapshot`] | columns as bytes, so that a new process need not read the whole feed | columns |
//! | [`ports`] | the feed, the store of snapshots, and the directory itself | snapshot |
//! | [`feed`] | all shards of the feed, page after page | ports |
//! | [`replica`] | columns which begin with a snapshot and follow the feed | feed |
//! | [`service`] | the replica of one process, up to date before each answer | replica |

pub mod columns;
pub mod feed;
pub mod ports;
pub mod query;
pub mod replica;
pub mod row;
pub mod service;
pub mod snapshot;

pub use columns::Columns;
pub use domain::id::{SHARDS, shard_of};
pub use query::{UserPage, UserQuery, filter::Specification};
pub use row::{FeedRow, Tombstone};
pub use snapshot::{Manifest, SegmentName, SegmentRef};
