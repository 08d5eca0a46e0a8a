//! What the audit trail says of one user, newest first.

use std::collections::BTreeMap;

use shared::{
    application::ports::AuditLog,
    domain::{
        Result, Timestamp, UserId, Version,
        audit::{AuditEntry, AuditQuery},
        history::{Digest, HistoryEntry},
    },
};

/// Lines of the trail, and entries of a history, read with one call: well below the megabyte of a query.
pub const PAGE: usize = 1_000;

/// Calls for lines at most: the newest 5,000 lines or so.
const MAX_CALLS: usize = 5;

/// The newest lines about a user.
pub struct Trail {
    /// Those of the sign-ins, and whatever else made no version.
    pub others: Vec<AuditEntry>,
    /// Where the reading ended: all lines since then are known.
    pub since: Timestamp,
    versions: BTreeMap<Version, AuditEntry>,
    contradicted: Vec<Version>,
}

impl Trail {
    /// Reads the lines: a query for each thousand, at most [`MAX_CALLS`].
    pub async fn read(audit: &dyn AuditLog, user: UserId) -> Result<Self> {
        let beginning = Timestamp::from_micros(0);
        let mut trail = Self {
            others: Vec::new(),
            since: beginning,
            versions: BTreeMap::new(),
            contradicted: Vec::new(),
        };
        let mut query = AuditQuery {
            user_id: Some(user),
            kind: None,
            from: beginning,
            to: Timestamp::from_micros(i64::MAX),
            before: None,
            limit: PAGE,
        };
        for _ in 0..MAX_CALLS {
            let page = audit.list(&query).await?;
            page.entries.into_iter().for_each(|line| trail.add(line));
            query.before = page.next;
            let Some((reached, _)) = page.next else {
                trail.since = beginning;
                break;
            };
            trail.since = reached;
        }
        Ok(trail)
    }

    fn add(&mut self, line: AuditEntry) {
        let Some(version) = line.version else {
            self.others.push(line);
            return;
        };
        if self.versions.insert(version, line).is_some() {
            self.contradicted.push(version);
        }
    }

    /// The hash that the trail demands of `entry`; none if the trail does not know its version.
    pub fn witness(&self, entry: &HistoryEntry) -> Option<Digest> {
        let version = entry.event.version?;
        let line = self.versions.get(&version)?;
        Some(if self.contradicted.contains(&version) {
            // No entry has it.
            Digest::NONE
        } else {
            demanded(line, entry)
        })
    }

    /// Whether the trail knows of `version` or a later one.
    pub fn knows_from(&self, version: Version) -> bool {
        self.versions.range(version..).next().is_some()
    }

    /// Whether anything is known of the user.
    pub fn has_lines(&self) -> bool {
        !self.versions.is_empty()
    }
}

/// The hash that `line` demands of `entry`: none which an entry could have unless they say the same.
pub fn demanded(line: &AuditEntry, entry: &HistoryEntry) -> Digest {
    if *line == AuditEntry::of_version(&entry.event, entry.hash) {
        entry.hash
    } else {
        Digest::NONE
    }
}
