//! The query: an administrator reads the audit trail.

use std::{net::IpAddr, sync::Arc};

use futures::{StreamExt as _, TryStreamExt as _, future::try_join, stream};
use shared::{
    application::ports::{AuditLog, Clock, SessionRepository, UserRepository},
    domain::{
        EventId, EventKind, Result, Timestamp,
        audit::{AuditEntry, AuditQuery},
        history::ChainVerdict,
    },
};

use crate::chain;

/// Lists the audit trail.
pub struct ListAuditEvents {
    /// Where the histories of users are kept.
    pub users: Arc<dyn UserRepository>,
    /// Where sign-ins are kept.
    pub sessions: Arc<dyn SessionRepository>,
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
    /// Where the next page begins; none on the last.
    pub next: Option<(Timestamp, EventId)>,
}

/// An entry with its trace.
#[derive(Debug)]
pub struct Line {
    /// The entry of the trail.
    pub entry: AuditEntry,
    pub trace: Trace,
}

/// The personal part of an event: erasure removes it, and it expires with its session.
#[derive(Debug, Default)]
pub struct Trace {
    /// The address of the client.
    pub source_address: Option<IpAddr>,
    pub request_id: Option<String>,
}

/// Traces read at once.
const AT_ONCE: usize = 10;

impl ListAuditEvents {
    /// The page asked for. The first page about a user also says whether the user's history is whole.
    ///
    /// It costs what `AuditLog::list` does, one read for each line of the page that has a trace, and
    /// on the first page about a user what [`chain::verify`] does.
    pub async fn execute(&self, query: &AuditQuery) -> Result<Page> {
        let chain = async {
            match (query.user_id, query.before) {
                (Some(user), None) => chain::verify(&*self.users, &*self.audit, user).await,
                _ => Ok(None),
            }
        };
        let (page, chain) = try_join(self.audit.list(query), chain).await?;
        let lines = page.entries.into_iter().map(|entry| self.trace(entry));
        Ok(Page {
            lines: stream::iter(lines).buffered(AT_ONCE).try_collect().await?,
            chain,
            next: page.next,
        })
    }

    /// The line with its trace: of a version in the user's history, of a sign-in with its session.
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
            (Some(user), None, Some(session)) if entry.kind == EventKind::SessionStarted => {
                let session = self.sessions.find(user, session).await?;
                session.map(|session| Trace {
                    source_address: session.source_address,
                    request_id: session.request_id,
                })
            }
            _ => None,
        };
        Ok(Line {
            entry,
            trace: trace.unwrap_or_default(),
        })
    }
}
