//! Whether what the table says of a user is what the newest event of the user's history left.

use serde::Serialize;

use super::{Digest, HistoryEntry};
use crate::{EventKind, Version};

/// What the table says of a user now.
pub trait State {
    fn version(&self) -> Version;

    /// The hash of the last entry of the history, as the user knows it.
    fn chain(&self) -> Digest;

    /// True if only a tombstone is left.
    fn is_erased(&self) -> bool;

    /// The digest of the rest, which the entry with this salt covers. That of a tombstone needs no salt.
    fn digest(&self, salt: &str) -> Digest;
}

/// Whether a user's item is what the newest event of the history left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StateStatus {
    /// Every field that an event can change is as the event left it.
    Ok,
    /// A field was changed by no event, or the item is an older one.
    Changed,
    /// There is a history, and neither a user nor a tombstone.
    Missing,
    /// The newest event is older than these digests. The item is of its version.
    Unknown,
}

impl StateStatus {
    /// Holds `stored` against `newest`, the last entry of the history.
    pub(super) fn of(stored: Option<&dyn State>, newest: &HistoryEntry) -> Self {
        let Some(stored) = stored else {
            return Self::Missing;
        };
        let is_of_the_entry = newest.event.version == Some(stored.version())
            && newest.hash == stored.chain()
            && stored.is_erased() == (newest.event.kind == EventKind::UserDeleted);
        // After erasure there is none.
        let salt = newest.private.as_ref().map(|private| &*private.salt);
        let now = stored.digest(salt.unwrap_or_default());
        match newest.state {
            _ if !is_of_the_entry => Self::Changed,
            Some(state) if state != now => Self::Changed,
            Some(_) => Self::Ok,
            None => Self::Unknown,
        }
    }
}
