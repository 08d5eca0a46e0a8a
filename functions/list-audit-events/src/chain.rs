//! Whether a user's history is whole: the entries are linked, the audit trail is their witness, and the
//! user's item is what the last of them left.

use std::time::Duration;

use shared::{
    application::ports::{AuditLog, UserRepository},
    domain::{
        Result, UserId,
        audit::AuditQuery,
        history::{ChainStatus, ChainVerdict, HistoryEntry, State, Verifier},
        user::Stored,
    },
};

use crate::trail::{PAGE, Trail, demanded};

/// Entries checked at most; of a longer history the first so many are.
pub const MAX_ENTRIES: usize = 5_000;

/// Checks the history of `user` from its first version on, and the user's item. Gives nothing if there
/// never was such a user. With it the item.
///
/// An entry's hash covers all entries before it, so the newest witness alone proves what precedes it;
/// the others show where exactly a chain broke. So it is enough to read the newest lines of the trail,
/// and one more if no line among them witnesses the last entry.
///
/// It costs a query for each thousand entries, at most five, a read of the item, and perhaps a query for
/// the last witness and one for what was written meanwhile.
pub async fn verify(
    users: &dyn UserRepository,
    audit: &dyn AuditLog,
    trail: &Trail,
    user: UserId,
) -> Result<(Option<ChainVerdict>, Option<Stored>)> {
    let mut verifier = Verifier::new(user);
    let mut last: Option<HistoryEntry> = None;
    let mut count = 0;
    let (is_end, stored) = loop {
        let after = last.as_ref().and_then(|entry| entry.event.version);
        let mut entries = users.history(user, after, PAGE).await?;
        for entry in &entries {
            if let Err(broken) = verifier.add(entry, trail.witness(entry)) {
                return Ok((Some(broken), users.find_stored(user).await?));
            }
        }
        let (read, is_end) = (entries.len(), entries.len() < PAGE);
        count += read;
        last = entries.pop().or(last);
        if count >= MAX_ENTRIES {
            break (is_end, users.find_stored(user).await?);
        }
        if is_end {
            // Read after the entries, so an item of an older version was put back. A newer one was
            // written meanwhile, and so were entries.
            let stored = users.find_stored(user).await?;
            let is_newer = |stored: &Stored| stored.version() >= verifier.version();
            if read == 0 || !stored.as_ref().is_some_and(is_newer) {
                break (is_end, stored);
            }
        }
    };
    let Some(last) = last else {
        let was_there = trail.has_lines() || stored.is_some();
        let verdict = was_there.then(|| verifier.stop(ChainStatus::Broken));
        return Ok((verdict, stored));
    };
    let verdict = if trail.witness(&last).is_none() && !is_witness(audit, user, &last).await? {
        ChainVerdict {
            at: last.event.version,
            ..verifier.stop(ChainStatus::Broken)
        }
    } else if is_end {
        let is_cut_off = trail.knows_from(verifier.version());
        let state = stored.as_ref().map(|stored| stored as &dyn State);
        verifier.end(Some((&last, state)), is_cut_off)
    } else {
        verifier.stop(ChainStatus::Partial)
    };
    Ok((Some(verdict), stored))
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
mod tests;
