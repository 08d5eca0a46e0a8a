//! The ports over DynamoDB.
//!
//! An entity is a struct with serde's derives and an [`Entity`] impl that names its key; [`Table`]
//! reads and writes every such struct. An adapter adds what is its own: conditions.
//!
//! No function scans a table (operators may: [`users::Upkeep`]), and every expression names its attributes by placeholder.

mod error;
mod filter;
mod item;
mod query;
mod table;

#[cfg(test)]
#[path = "../../../tests/contract/tables.rs"]
#[allow(dead_code, reason = "the contract suite uses the rest")]
mod tables;

pub mod api_keys;
pub mod attempts;
pub mod audit;
pub mod cache;
pub mod deliveries;
pub mod feed;
pub mod invitations;
pub mod keys;
pub mod leases;
pub mod mailboxes;
pub mod outbox;
pub mod requests;
pub mod services;
pub mod sessions;
pub mod snapshots;
pub mod tokens;
pub mod usage;
pub mod users;

use std::time::Duration;

use application::{backoff::Backoff, ports::Env};

pub use api_keys::ApiKeyItems;
pub use attempts::AttemptCounts;
pub use audit::Audit;
pub use cache::CacheItems;
pub use deliveries::Deliveries;
pub use feed::Feed;
pub use invitations::InvitationList;
pub use item::{Entity, Item, Key, from_item};
pub use keys::Keys;
pub use leases::LeaseRecords;
pub use mailboxes::MailboxItems;
pub use requests::Requests;
pub use services::Services;
pub use sessions::Sessions;
pub use snapshots::SnapshotStore;
pub use table::{ATTEMPT_LIMIT, CALL_LIMIT, Table};
pub use tokens::Tokens;
pub use users::{COMMIT_LIMIT, Users};

/// Tries of a write which others disturb, the first included.
const TRIES: u32 = 5;

/// The longest pause before the second try; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// When no pause begins any more: a slow write must not outlast its function.
const PATIENCE: Duration = Duration::from_secs(2);

/// When the last try has begun at the latest.
const LAST_TRY: Duration = PATIENCE.saturating_add(FIRST_PAUSE.saturating_mul(1 << (TRIES - 2)));

/// The pauses of a write which others disturb.
fn backoff(env: &Env) -> Backoff<'_> {
    Backoff::new(env, TRIES, FIRST_PAUSE).within(PATIENCE)
}
