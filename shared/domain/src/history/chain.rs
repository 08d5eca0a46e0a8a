//! Whether a user's history is whole.

use serde::Serialize;

use super::{Digest, HistoryEntry, State, StateStatus};
use crate::{UserId, Version};

/// The result of verifying a user's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChainVerdict {
    /// The overall result.
    pub status: ChainStatus,
    /// The first version whose entry is missing or is not what was written, or with which checking
    /// stopped; none if all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Version>,
    /// Whether the user's item is what the newest event left; none if that was not checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<StateStatus>,
}

/// Whether a history is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChainStatus {
    /// Every entry is what was written.
    Ok,
    /// One is missing, was changed, or was not written by Roster; or the user's item was changed by no
    /// event.
    Broken,
    /// As far as it was checked every entry is what was written; it is longer.
    Partial,
}

/// Whether `entries`, oldest first, are one user's whole history: versions from the first without a
/// gap, each entry as it was sealed and linked to the one before, and each with the hash which
/// `witnesses` (the audit trail) holds for its version; and whether `stored`, the user's item, is what the
/// last one left. An entry rewritten together with all hashes after it is caught by the witness alone. A
/// version without witness is taken as it is, since the audit trail lags behind.
///
/// A witness of the version after the last entry proves that the end is missing. So read the
/// witnesses first, then the entries, then the item: what is written meanwhile is no false alarm then, if
/// the entries up to the version of the item are read.
pub fn verify_chain(
    entries: &[HistoryEntry],
    stored: Option<&impl State>,
    witnesses: impl Fn(Version) -> Option<Digest>,
) -> ChainVerdict {
    let mut verifier = Verifier::of(entries.first().and_then(|entry| entry.event.user_id));
    for entry in entries {
        let witness = witnesses(verifier.version);
        if let Err(broken) = verifier.add(entry, witness) {
            return broken;
        }
    }
    let stored = stored.map(|stored| stored as &dyn State);
    let newest = entries.last().map(|entry| (entry, stored));
    let is_cut_off = witnesses(verifier.version).is_some();
    verifier.end(newest, is_cut_off)
}

/// Verifies a history entry by entry, so that it need not be held as a whole; see [`verify_chain`].
#[derive(Debug, Clone)]
pub struct Verifier {
    user: Option<UserId>,
    version: Version,
    previous: Digest,
    /// The first version whose entry has no private part.
    forgotten: Option<Version>,
}

impl Verifier {
    /// Before the first entry of the user's history.
    pub fn new(user: UserId) -> Self {
        Self::of(Some(user))
    }

    fn of(user: Option<UserId>) -> Self {
        Self {
            user,
            version: Version::FIRST,
            previous: Digest::NONE,
            forgotten: None,
        }
    }

    /// The version which comes next.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Checks the next entry, with the hash which the audit trail holds for its version if it holds
    /// one.
    ///
    /// # Errors
    /// The verdict, if the entry is not the one that was written.
    pub fn add(
        &mut self,
        entry: &HistoryEntry,
        witness: Option<Digest>,
    ) -> Result<(), ChainVerdict> {
        let is_next = entry.event.version == Some(self.version) && entry.previous == self.previous;
        let is_the_users = self.user.is_some() && entry.event.user_id == self.user;
        let is_witnessed = witness.is_none_or(|witness| witness == entry.hash);
        if !(is_next && is_the_users && is_witnessed && entry.is_intact()) {
            return Err(self.stop(ChainStatus::Broken));
        }
        if entry.private.is_none() {
            self.forgotten.get_or_insert(self.version);
        }
        (self.version, self.previous) = (self.version.next(), entry.hash);
        Ok(())
    }

    /// The verdict once there are no more entries. The end is missing if the audit trail knows later
    /// versions. `newest` is the last entry, with the user's item: only beside a tombstone an entry may
    /// have no private part.
    pub fn end(
        &self,
        newest: Option<(&HistoryEntry, Option<&dyn State>)>,
        is_cut_off: bool,
    ) -> ChainVerdict {
        if is_cut_off {
            return self.stop(ChainStatus::Broken);
        }
        let mut verdict = ChainVerdict {
            status: ChainStatus::Ok,
            at: None,
            state: None,
        };
        let Some((newest, stored)) = newest else {
            return verdict;
        };
        let state = StateStatus::of(stored, newest);
        verdict.state = Some(state);
        if self.forgotten.is_some() && !stored.is_some_and(State::is_erased) {
            verdict.at = self.forgotten;
        } else if matches!(state, StateStatus::Changed | StateStatus::Missing) {
            verdict.at = newest.event.version;
        }
        if verdict.at.is_some() {
            verdict.status = ChainStatus::Broken;
        }
        verdict
    }

    /// The verdict if checking stops before the next version.
    pub fn stop(&self, status: ChainStatus) -> ChainVerdict {
        ChainVerdict {
            status,
            at: Some(self.version),
            state: None,
        }
    }
}

#[cfg(test)]
mod tests;
