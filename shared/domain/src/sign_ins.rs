//! Whether what the audit trail says of a user's sign-ins is whole. Sessions and locks stand in another
//! table, so each table is the witness of the other, for as long as a session or a lock is kept.

use std::time::Duration;

use serde::Serialize;

use super::{
    DomainEvent, EventId, EventKind, Session, SessionId, Timestamp, audit::AuditEntry,
    digest::Digest, history::ChainStatus, session::SESSION_LIFETIME,
};

/// How long the event of a lock is kept, in the table of sessions: as long as a session at most.
pub const LOCK_KEPT: Duration = Duration::from_hours(90 * 24);

/// How far the trail may be behind before a missing line counts. An event whose observer keeps failing
/// lies in a queue that raises an alarm.
const LAG: Duration = Duration::from_hours(1);

/// What is known of one user's sign-ins. Read the lines first: then what happens meanwhile is no false
/// alarm.
#[derive(Debug)]
pub struct SignIns<'a> {
    /// Lines of the trail about the user.
    pub lines: &'a [AuditEntry],
    /// All lines since then are among `lines`.
    pub since: Timestamp,
    /// Every session of the user that has not expired.
    pub sessions: &'a [Session],
    /// Every lock of the user that is kept.
    pub locks: &'a [DomainEvent],
    /// True if the user was erased, and sessions and locks with the user.
    pub erased: bool,
    pub now: Timestamp,
}

/// The result of verifying a user's sign-ins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SignInVerdict {
    /// `Partial` if there are sessions or locks from before the lines that were read.
    pub status: ChainStatus,
    /// The session with which something is wrong, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The event with which something is wrong, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<EventId>,
}

impl SignInVerdict {
    fn new(status: ChainStatus) -> Self {
        Self {
            status,
            session_id: None,
            event_id: None,
        }
    }

    fn broken_session(id: SessionId) -> Self {
        Self {
            session_id: Some(id),
            ..Self::new(ChainStatus::Broken)
        }
    }

    fn broken_line(line: &AuditEntry) -> Self {
        Self {
            session_id: line.session_id,
            event_id: Some(line.event_id),
            ..Self::new(ChainStatus::Broken)
        }
    }
}

impl SignIns<'_> {
    /// Holds lines against sessions and locks, both ways.
    pub fn verify(&self) -> SignInVerdict {
        let sessions = self.sessions.iter().filter(|session| !self.agrees(session));
        let mut broken = sessions.map(|session| SignInVerdict::broken_session(session.id));
        if let Some(broken) = broken.next() {
            return broken;
        }
        if let Some(lock) = self.locks.iter().find(|lock| !self.has_line(lock)) {
            return SignInVerdict {
                event_id: Some(lock.id),
                ..SignInVerdict::new(ChainStatus::Broken)
            };
        }
        if let Some(line) = self.lines.iter().find(|line| !self.is_backed(line)) {
            return SignInVerdict::broken_line(line);
        }
        let times = self.sessions.iter().map(|session| session.created_at);
        let mut times = times.chain(self.locks.iter().map(|lock| lock.time));
        SignInVerdict::new(if times.any(|time| time < self.since) {
            ChainStatus::Partial
        } else {
            ChainStatus::Ok
        })
    }

    /// Whether the trail says of a session what the session says. One of before lines were noted in
    /// sessions is taken as it is: its line has no digest.
    fn agrees(&self, session: &Session) -> bool {
        let Some(start) = session.start_line else {
            let mut lines = self.about(session, EventKind::SessionStarted);
            return lines.all(|line| line.hash.is_none());
        };
        let content = |line: &AuditEntry| {
            // A line of before has no digest of the session.
            line.hash.is_none_or(|hash| hash == session.digest()) && line.time == session.created_at
        };
        let started = self.matches(
            session,
            EventKind::SessionStarted,
            start,
            session.created_at,
            content,
        );
        let ended = match (session.ended_at, session.end_line) {
            (Some(time), Some(end)) => {
                let is_its_end = |line: &AuditEntry| line.time == time;
                self.matches(session, EventKind::SessionEnded, end, time, is_its_end)
            }
            (None, None) => self
                .about(session, EventKind::SessionEnded)
                .next()
                .is_none(),
            // It was ended by a release that did not note lines.
            (Some(_), None) => true,
            (None, Some(_)) => false,
        };
        started && ended
    }

    /// Whether there is the one line of this kind about the session, with this digest; or it may still
    /// come, or may have been before the lines that were read.
    fn matches(
        &self,
        session: &Session,
        kind: EventKind,
        digest: Digest,
        time: Timestamp,
        also: impl Fn(&AuditEntry) -> bool,
    ) -> bool {
        let mut lines = self.about(session, kind);
        match (lines.next(), lines.next()) {
            (None, _) => self.may_lack_line(time),
            (Some(line), None) => line.digest() == digest && also(line),
            (Some(_), Some(_)) => false,
        }
    }

    fn about(&self, session: &Session, kind: EventKind) -> impl Iterator<Item = &AuditEntry> {
        let id = Some(session.id);
        let is_about = move |line: &&AuditEntry| line.session_id == id && line.kind == kind;
        self.lines.iter().filter(is_about)
    }

    fn may_lack_line(&self, time: Timestamp) -> bool {
        time.plus(LAG) > self.now || time < self.since
    }

    fn has_line(&self, lock: &DomainEvent) -> bool {
        let mut lines = self.lines.iter().filter(|line| line.event_id == lock.id);
        match lines.next() {
            None => self.may_lack_line(lock.time),
            Some(line) => *line == AuditEntry::of_event(lock),
        }
    }

    /// Whether the session or the lock of a line is there for as long as it is kept at least. A line of
    /// before there were witnesses has no hash.
    fn is_backed(&self, line: &AuditEntry) -> bool {
        if line.hash.is_none() {
            return true;
        }
        let (is_there, kept) = match line.kind {
            EventKind::SessionStarted => {
                let mut sessions = self.sessions.iter();
                let is_it = |session: &Session| line.session_id == Some(session.id);
                (self.erased || sessions.any(is_it), SESSION_LIFETIME)
            }
            EventKind::SignInLocked => {
                let mut locks = self.locks.iter();
                let is_it = |lock: &DomainEvent| lock.id == line.event_id;
                (self.erased || locks.any(is_it), LOCK_KEPT)
            }
            _ => return true,
        };
        is_there || line.time.plus(kept) <= self.now
    }
}

#[cfg(test)]
mod tests;
