//! The query: an administrator reads the audit trail.

use std::sync::Arc;

use futures::{
    StreamExt as _, TryStreamExt as _,
    future::{try_join, try_join3},
    stream,
};
use shared::{
    application::ports::{Attempts, AuditLog, Clock, SessionRepository, UserRepository},
    domain::{
        EventId, EventKind, Result, Timestamp, UserId,
        audit::{AuditEntry, AuditQuery, Trace},
        history::{ChainVerdict, State as _},
        sign_ins::{SignInVerdict, SignIns},
    },
};

use crate::{chain, trail::Trail};

/// Lists the audit trail.
pub struct ListAuditEvents {
    /// Where the histories of users are kept.
    pub users: Arc<dyn UserRepository>,
    /// Where sign-ins are kept.
    pub sessions: Arc<dyn SessionRepository>,
    /// Where locks are kept.
    pub attempts: Arc<dyn Attempts>,
    /// The trail.
    pub audit: Arc<dyn AuditLog>,
    /// The end of a range without end.
    pub clock: Arc<dyn Clock>,
}

/// A page of the trail, newest first.
#[derive(Debug)]
pub struct Page {
    /// The entries.
    pub lines: Vec<Line>,
    /// Whether the history of the user asked for is whole; none if it was not checked.
    pub chain: Option<ChainVerdict>,
    /// Whether what the trail says of that user's sign-ins is whole; likewise.
    pub sign_ins: Option<SignInVerdict>,
    /// Where the next page begins; none on the last.
    pub next: Option<(Timestamp, EventId)>,
}

/// An entry with its trace.
#[derive(Debug)]
pub struct Line {
    /// The entry of the trail.
    pub entry: AuditEntry,
    /// Erasure removes it, and it expires with its session or lock.
    pub trace: Trace,
}

/// Traces read at once.
const AT_ONCE: usize = 10;

impl ListAuditEvents {
    /// The page asked for. The first page about a user also says whether history and sign-ins of the user
    /// are whole.
    ///
    /// It costs what `AuditLog::list` does, one read for each line of the page that has a trace, and
    /// on the first page about a user what [`Trail::read`] and [`chain::verify`] do and two queries.
    pub async fn execute(&self, query: &AuditQuery) -> Result<Page> {
        let verdicts = async {
            match (query.user_id, query.before) {
                (Some(user), None) => self.verify(user).await,
                _ => Ok((None, None)),
            }
        };
        let (page, (chain, sign_ins)) = try_join(self.audit.list(query), verdicts).await?;
        let lines = page.entries.into_iter().map(|entry| self.trace(entry));
        Ok(Page {
            lines: stream::iter(lines).buffered(AT_ONCE).try_collect().await?,
            chain,
            sign_ins,
            next: page.next,
        })
    }

    /// Nothing if there never was such a user. The lines of the trail are read first: what happens
    /// meanwhile is no false alarm then.
    async fn verify(&self, user: UserId) -> Result<(Option<ChainVerdict>, Option<SignInVerdict>)> {
        let trail = Trail::read(&*self.audit, user).await?;
        let ((chain, stored), sessions, locks) = try_join3(
            chain::verify(&*self.users, &*self.audit, &trail, user),
            self.sessions.list(user),
            self.attempts.locks(user),
        )
        .await?;
        let locks: Vec<_> = locks.into_iter().map(|lock| lock.event).collect();
        let sign_ins = SignIns {
            lines: &trail.others,
            since: trail.since,
            sessions: &sessions,
            locks: &locks,
            erased: stored.is_some_and(|stored| stored.is_erased()),
            now: self.clock.now(),
        };
        Ok((chain, chain.map(|_| sign_ins.verify())))
    }

    /// The line with its trace: of a version in the user's history, of a sign-in or its end with its session,
    /// of a lock beside its event.
    async fn trace(&self, entry: AuditEntry) -> Result<Line> {
        let trace = match (entry.user_id, entry.version, entry.session_id) {
            (Some(user), Some(version), _) => {
                let written = self.users.history_entry(user, version).await?;
                written
                    .filter(|written| written.event.id == entry.event_id)
                    .and_then(|written| written.private)
                    .map(|private| Trace {
                        source_address: private.source_address,
                        request_id: Some(private.request_id),
                    })
            }
            (Some(user), None, Some(session)) => {
                let session = self.sessions.find(user, session).await?;
                session.and_then(|session| match entry.kind {
                    EventKind::SessionEnded => session.ended_from,
                    _ => Some(Trace {
                        source_address: session.source_address,
                        request_id: session.request_id,
                    }),
                })
            }
            (Some(user), None, None) if entry.kind == EventKind::SignInLocked => {
                let mut locks = self.attempts.locks(user).await?.into_iter();
                let lock = locks.find(|lock| lock.event.id == entry.event_id);
                lock.map(|lock| lock.from)
            }
            _ => None,
        };
        Ok(Line {
            entry,
            trace: trace.unwrap_or_default(),
        })
    }
}
