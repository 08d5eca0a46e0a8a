//! Whether a user's history is whole.

use serde::Serialize;

use super::{Digest, HistoryEntry};
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
}

/// Whether a history is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChainStatus {
    /// Every entry is what was written.
    Ok,
    /// One is missing, was changed, or was not written by Roster.
    Broken,
    /// As far as it was checked every entry is what was written; it is longer.
    Partial,
}

/// Whether `entries`, oldest first, are one user's whole history: versions from the first without a
/// gap, each entry as it was sealed and linked to the one before, and each with the hash which
/// `witnesses` (the audit trail) holds for its version. An entry rewritten
/// together with all hashes after it is caught by the witness alone. A version without witness is
/// taken as it is, since the audit trail lags behind.
///
/// A witness of the version after the last entry proves that the end is missing. So read the
/// witnesses first and the entries after: then a change made meanwhile is no false alarm.
pub fn verify_chain(
    entries: &[HistoryEntry],
    witnesses: impl Fn(Version) -> Option<Digest>,
) -> ChainVerdict {
    let mut verifier = Verifier::of(entries.first().and_then(|entry| entry.event.user_id));
    for entry in entries {
        let witness = witnesses(verifier.version);
        if let Err(broken) = verifier.add(entry, witness) {
            return broken;
        }
    }
    let is_cut_off = witnesses(verifier.version).is_some();
    verifier.end(is_cut_off)
}

/// Verifies a history entry by entry, so that it need not be held as a whole; see [`verify_chain`].
#[derive(Debug, Clone)]
pub struct Verifier {
    user: Option<UserId>,
    version: Version,
    previous: Digest,
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
        (self.version, self.previous) = (self.version.next(), entry.hash);
        Ok(())
    }

    /// The verdict once there are no more entries: the end is missing if the audit trail knows later
    /// versions.
    pub fn end(&self, is_cut_off: bool) -> ChainVerdict {
        if is_cut_off {
            return self.stop(ChainStatus::Broken);
        }
        ChainVerdict {
            status: ChainStatus::Ok,
            at: None,
        }
    }

    /// The verdict if checking stops before the next version.
    pub fn stop(&self, status: ChainStatus) -> ChainVerdict {
        ChainVerdict {
            status,
            at: Some(self.version),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::{
        Actor, DomainEvent, EventId, EventKind, Timestamp, UserId,
        event::{EndReason, EventData},
        history::Private,
    };

    type Witnesses = BTreeMap<Version, Digest>;

    fn user(number: u8) -> UserId {
        UserId::new(Timestamp::from_seconds(1), [number; 10])
    }

    fn event(version: u64) -> DomainEvent {
        DomainEvent {
            id: EventId::new(Timestamp::from_seconds(1), [1; 10]),
            kind: EventKind::UserUpdated,
            time: Timestamp::from_seconds(2),
            user_id: Some(user(1)),
            version: Some(version.into()),
            actor: Actor::Anonymous,
            traceparent: None,
            data: EventData::changed(&["name"]),
        }
    }

    fn private(version: u64) -> Private {
        Private {
            salt: "salt".to_owned(),
            source_address: None,
            request_id: format!("request-{version}"),
            old_email: None,
            new_email: None,
        }
    }

    /// Seals the events anew, as an attacker would who can write the table and knows this code.
    fn sealed(events: impl IntoIterator<Item = DomainEvent>) -> Vec<HistoryEntry> {
        let mut previous = Digest::NONE;
        let entries = events.into_iter().zip(1..).map(|(event, version)| {
            let entry = HistoryEntry::seal(event, previous, private(version));
            previous = entry.hash;
            entry
        });
        entries.collect()
    }

    fn history() -> (Vec<HistoryEntry>, Witnesses) {
        let entries = sealed((1..=4).map(event));
        let hashes = entries.iter().map(|entry| entry.hash);
        let witnesses = (1..).map(Version::from).zip(hashes).collect();
        (entries, witnesses)
    }

    fn verify(entries: &[HistoryEntry], witnesses: &Witnesses) -> Option<u64> {
        let chain = verify_chain(entries, |version| witnesses.get(&version).copied());
        assert_eq!(chain.status == ChainStatus::Broken, chain.at.is_some());
        chain.at.map(Version::get)
    }

    #[test]
    fn what_was_written_is_whole_also_without_witness_and_once_private_is_gone() {
        let (mut entries, witnesses) = history();
        assert_eq!(verify(&entries, &witnesses), None);
        assert_eq!(verify(&entries, &Witnesses::new()), None);
        for entry in &mut entries {
            entry.private = None;
        }
        assert_eq!(verify(&entries, &witnesses), None);
        assert_eq!(verify(&[], &Witnesses::new()), None);
    }

    #[test]
    fn a_changed_field_shows() {
        let changes: [fn(&mut HistoryEntry); 10] = [
            |entry| entry.event.kind = EventKind::UserReactivated,
            |entry| entry.event.actor = Actor::User(user(9)),
            |entry| entry.event.actor = Actor::ApiKey(user(1).as_uuid().into()),
            |entry| entry.event.data.api_key_id = Some(user(1).as_uuid().into()),
            |entry| entry.event.time = Timestamp::from_seconds(3),
            |entry| entry.event.data.changed.clear(),
            |entry| entry.event.data.reason = Some(EndReason::SignedOut),
            |entry| entry.hash = Digest::NONE,
            |entry| entry.private_digest = Digest::NONE,
            |entry| entry.private = Some(private(9)),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let (mut entries, _) = history();
            change(&mut entries[2]);
            let at = verify(&entries, &Witnesses::new());
            assert_eq!(at, Some(3), "change {number}");
        }
    }

    /// The hash of an entry as the first release wrote it: what is stored must verify for ever.
    #[test]
    fn entries_of_earlier_releases_verify() {
        let entry = HistoryEntry::seal(event(1), Digest::NONE, private(1));
        let written = "3a3259c9761e47a5f3a7e50794d37cf5e8f4b2c06a8253fdddd47f0a64251e1b";
        assert_eq!(entry.hash.to_string(), written);
    }

    #[test]
    fn a_removed_entry_shows() {
        for removed in 1..=4 {
            let (mut entries, witnesses) = history();
            entries.remove(removed - 1);
            assert_eq!(verify(&entries, &witnesses), Some(removed as u64));
        }
        let (_, witnesses) = history();
        assert_eq!(verify(&[], &witnesses), Some(1));
    }

    #[test]
    fn entries_in_another_order_or_of_another_user_show() {
        let (mut entries, witnesses) = history();
        entries.swap(1, 2);
        assert_eq!(verify(&entries, &witnesses), Some(2));
        let mut spliced: Vec<_> = (1..=4).map(event).collect();
        spliced[2].user_id = Some(user(2));
        assert_eq!(verify(&sealed(spliced), &Witnesses::new()), Some(3));
    }

    #[test]
    fn a_forgery_with_hashes_made_anew_is_caught_by_the_witness_alone() {
        let (_, witnesses) = history();
        let mut forged: Vec<_> = (1..=4).map(event).collect();
        forged[1].actor = Actor::User(user(9));
        let forged = sealed(forged);
        assert_eq!(verify(&forged, &Witnesses::new()), None);
        assert_eq!(verify(&forged, &witnesses), Some(2));
        // A version closed up after one was removed.
        assert_eq!(verify(&sealed((1..=3).map(event)), &witnesses), Some(4));
    }

    #[test]
    fn a_verdict_reads_well() {
        let (entries, _) = history();
        let none = |_| None;
        assert_eq!(json!(verify_chain(&entries, none)), json!({"status": "ok"}));
        let broken = verify_chain(&entries[1..], none);
        assert_eq!(json!(broken), json!({"status": "broken", "at": 1}));
    }
}
