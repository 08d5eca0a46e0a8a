//! Whether a user's history is whole: the entries are linked, and the audit trail is their witness.

use std::{collections::BTreeMap, time::Duration};

use shared::{
    application::ports::{AuditLog, UserRepository},
    domain::{
        Result, Timestamp, UserId, Version,
        audit::{AuditEntry, AuditQuery},
        history::{ChainStatus, ChainVerdict, Digest, HistoryEntry, Verifier},
    },
};

/// Entries, and lines of the trail, read with one call: well below the megabyte of a query.
pub const PAGE: usize = 1_000;

/// Entries checked at most; of a longer history the first so many are.
pub const MAX_ENTRIES: usize = 5_000;

/// Calls for lines of the trail at most: the newest 5,000 lines or so, sign-ins included.
const MAX_CALLS: usize = 5;

/// Checks the history of `user` from its first version on. Gives nothing if there never was such a
/// user.
///
/// An entry's hash covers all entries before it, so the newest witness alone proves what precedes it;
/// the others show where exactly a chain broke. So it is enough to read the newest lines of the trail,
/// and one more if no line among them witnesses the last entry.
///
/// It costs a query for each thousand lines, at most [`MAX_CALLS`], a query for each thousand entries,
/// at most five, and perhaps one for the last witness.
pub async fn verify(
    users: &dyn UserRepository,
    audit: &dyn AuditLog,
    user: UserId,
) -> Result<Option<ChainVerdict>> {
    // Before the entries: what is written meanwhile is no false alarm then.
    let witnesses = Witnesses::read(audit, user).await?;
    let mut verifier = Verifier::new(user);
    let mut last: Option<HistoryEntry> = None;
    let mut count = 0;
    let is_end = loop {
        let after = last.as_ref().and_then(|entry| entry.event.version);
        let mut entries = users.history(user, after, PAGE).await?;
        for entry in &entries {
            if let Err(broken) = verifier.add(entry, witnesses.witness(entry)) {
                return Ok(Some(broken));
            }
        }
        let is_end = entries.len() < PAGE;
        count += entries.len();
        last = entries.pop().or(last);
        if is_end || count >= MAX_ENTRIES {
            break is_end;
        }
    };
    let Some(last) = last else {
        let is_cut_off = !witnesses.lines.is_empty();
        return Ok(is_cut_off.then(|| verifier.end(true)));
    };
    if witnesses.witness(&last).is_none() && !is_witness(audit, user, &last).await? {
        let at = last.event.version;
        let status = ChainStatus::Broken;
        return Ok(Some(ChainVerdict { status, at }));
    }
    Ok(Some(if is_end {
        verifier.end(witnesses.know_from(verifier.version()))
    } else {
        verifier.stop(ChainStatus::Partial)
    }))
}

/// What the audit trail says of the newest versions.
struct Witnesses {
    lines: BTreeMap<Version, AuditEntry>,
    contradicted: Vec<Version>,
}

impl Witnesses {
    async fn read(audit: &dyn AuditLog, user: UserId) -> Result<Self> {
        let mut witnesses = Self {
            lines: BTreeMap::new(),
            contradicted: Vec::new(),
        };
        let mut query = AuditQuery {
            user_id: Some(user),
            kind: None,
            from: Timestamp::from_micros(0),
            to: Timestamp::from_micros(i64::MAX),
            before: None,
            limit: PAGE,
        };
        for _ in 0..MAX_CALLS {
            let page = audit.list(&query).await?;
            page.entries
                .into_iter()
                .for_each(|line| witnesses.add(line));
            query.before = page.next;
            if query.before.is_none() {
                break;
            }
        }
        Ok(witnesses)
    }

    fn add(&mut self, line: AuditEntry) {
        let Some(version) = line.version else {
            return;
        };
        if self.lines.insert(version, line).is_some() {
            self.contradicted.push(version);
        }
    }

    /// The hash that the trail demands of `entry`; none if the trail does not know its version.
    fn witness(&self, entry: &HistoryEntry) -> Option<Digest> {
        let version = entry.event.version?;
        let line = self.lines.get(&version)?;
        Some(if self.contradicted.contains(&version) {
            // No entry has it.
            Digest::NONE
        } else {
            demanded(line, entry)
        })
    }

    /// Whether the trail knows of `version` or a later one.
    fn know_from(&self, version: Version) -> bool {
        self.lines.range(version..).next().is_some()
    }
}

/// The hash that `line` demands of `entry`: none which an entry could have unless they say the same.
fn demanded(line: &AuditEntry, entry: &HistoryEntry) -> Digest {
    if *line == AuditEntry::new(&entry.event, Some(entry.hash)) {
        entry.hash
    } else {
        Digest::NONE
    }
}

/// Whether the line of just this entry agrees with it. The trail may not have it yet, so no line is
/// no contradiction.
async fn is_witness(audit: &dyn AuditLog, user: UserId, entry: &HistoryEntry) -> Result<bool> {
    let from = entry.event.time;
    let query = AuditQuery {
        user_id: Some(user),
        kind: Some(entry.event.kind),
        from,
        to: from.plus(Duration::from_micros(1)),
        before: None,
        limit: PAGE,
    };
    let lines = audit.list(&query).await?.entries;
    Ok(lines
        .iter()
        .filter(|line| line.version == entry.event.version)
        .all(|line| demanded(line, entry) == entry.hash))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use shared::{
        application::ports::UserRepository as _,
        domain::{Actor, EventId, EventKind, SessionId, history::Private},
    };
    use testing::FakeBackend;

    use super::*;
    use crate::handler::tests::backend_with_ann;

    type Verdict = (ChainStatus, Option<u64>);

    async fn verdict(backend: &Arc<FakeBackend>, user: UserId) -> Option<Verdict> {
        let chain = verify(&**backend, &**backend, user).await.unwrap()?;
        Some((chain.status, chain.at.map(Version::get)))
    }

    fn broken(at: u64) -> Verdict {
        (ChainStatus::Broken, Some(at))
    }

    /// Seals the history anew from `version` on, as someone can who may write to the table of users.
    async fn forge(backend: &Arc<FakeBackend>, user: UserId, version: u64) {
        let entries = backend.history(user, None, 10_000).await.unwrap();
        let mut previous = None;
        for entry in entries {
            let number = entry.event.version.unwrap();
            if number >= version.into() {
                let mut event = entry.event;
                if number == version.into() {
                    event.actor = Actor::Anonymous;
                }
                let private: Private = entry.private.unwrap();
                let forged = HistoryEntry::seal(event, previous.unwrap_or(entry.previous), private);
                previous = Some(forged.hash);
                backend.tamper_with_history(user, number, |entry| *entry = forged);
            }
        }
    }

    /// Lines of sign-ins, newer than everything.
    async fn sign_in_often(backend: &Arc<FakeBackend>, user: UserId, times: i64) {
        for number in 0..times {
            let time = Timestamp::from_seconds(2_000_000_000 + number);
            let line = AuditEntry {
                api_key_id: None,
                service: None,
                event_id: EventId::new(time, [1; 10]),
                kind: EventKind::SessionStarted,
                time,
                user_id: Some(user),
                version: None,
                session_id: Some(SessionId::new(time, [1; 10])),
                actor: Actor::Anonymous,
                hash: None,
            };
            backend.record(&line).await.unwrap();
        }
    }

    #[tokio::test]
    async fn what_was_written_is_whole_and_who_never_was_has_none() {
        let (backend, ann) = backend_with_ann(3).await;
        assert_eq!(verdict(&backend, ann).await, Some((ChainStatus::Ok, None)));
        let nobody = UserId::new(Timestamp::from_seconds(1), [9; 10]);
        assert_eq!(verdict(&backend, nobody).await, None);
    }

    #[tokio::test]
    async fn a_removed_entry_shows_wherever_it_was() {
        for version in 1..=4 {
            let (backend, ann) = backend_with_ann(3).await;
            backend.remove_from_history(ann, version.into());
            assert_eq!(verdict(&backend, ann).await, Some(broken(version)));
        }
        let (backend, ann) = backend_with_ann(3).await;
        (1..=4).for_each(|version: u64| backend.remove_from_history(ann, version.into()));
        assert_eq!(verdict(&backend, ann).await, Some(broken(1)));
    }

    #[tokio::test]
    async fn a_forgery_is_caught_by_the_trail() {
        let (backend, ann) = backend_with_ann(3).await;
        forge(&backend, ann, 2).await;
        assert_eq!(verdict(&backend, ann).await, Some(broken(2)));
    }

    #[tokio::test]
    async fn a_changed_or_contradicting_line_of_the_trail_shows() {
        let (backend, ann) = backend_with_ann(3).await;
        let line = backend.audit()[1].clone();
        backend.tamper_with_audit(line.event_id, |line| line.kind = EventKind::UserReactivated);
        assert_eq!(verdict(&backend, ann).await, Some(broken(2)));

        let (backend, ann) = backend_with_ann(3).await;
        let line = backend.audit()[2].clone();
        let second = AuditEntry {
            event_id: EventId::new(line.time, [9; 10]),
            ..line
        };
        backend.record(&second).await.unwrap();
        assert_eq!(verdict(&backend, ann).await, Some(broken(3)));
    }

    /// Whoever signs in so often pushes the versions out of what is read; the last is looked up.
    #[tokio::test]
    async fn the_last_entry_has_its_witness_behind_however_many_sign_ins() {
        let (backend, ann) = backend_with_ann(3).await;
        sign_in_often(&backend, ann, 6_000).await;
        backend.clear_trace();
        assert_eq!(verdict(&backend, ann).await, Some((ChainStatus::Ok, None)));
        let calls = backend.trace();
        assert_eq!(
            calls.iter().filter(|call| **call == "audit.list").count(),
            6
        );
        // The trail read proves the whole; where it broke, it can no longer say.
        forge(&backend, ann, 2).await;
        assert_eq!(verdict(&backend, ann).await, Some(broken(4)));
    }

    #[tokio::test]
    async fn a_very_long_history_is_checked_from_the_beginning() {
        let (backend, ann) = backend_with_ann(MAX_ENTRIES).await;
        backend.clear_trace();
        let partial = Some((ChainStatus::Partial, Some(5_001)));
        assert_eq!(verdict(&backend, ann).await, partial);
        let calls = backend.trace();
        let count = |name| calls.iter().filter(|call| **call == name).count();
        assert_eq!((count("users.history"), count("audit.list")), (5, 5));
        backend.tamper_with_history(ann, 4_321.into(), |entry| entry.hash = Digest::NONE);
        assert_eq!(verdict(&backend, ann).await, Some(broken(4_321)));
    }
}
