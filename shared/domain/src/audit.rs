//! The audit trail: an index of all events by time, and the witness of each user's history.

use serde::{Deserialize, Serialize};

use super::{
    Actor, ApiKeyId, DomainEvent, EventId, EventKind, ServiceName, SessionId, Timestamp, UserId,
    Version, history::Digest,
};

/// One line of the audit trail. It has no personal data: addresses stand in the event's private part,
/// which erasure can remove.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// The event which the line records.
    pub event_id: EventId,
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// The time of the event; lines are sorted by it.
    pub time: Timestamp,
    /// The user it is about; none for an anonymous request or an API key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// The version of the user which it made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// The session that started or ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The API key that was made or revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key_id: Option<ApiKeyId>,
    /// The service that was registered, deregistered or given another secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    /// The caller that caused it.
    pub actor: Actor,
    /// The hash of the user's history up to here; none for events that are no version of a user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<Digest>,
}

impl AuditEntry {
    /// The line for `event`, which has `hash` in its user's history.
    pub fn new(event: &DomainEvent, hash: Option<Digest>) -> Self {
        Self {
            event_id: event.id,
            kind: event.kind,
            time: event.time,
            user_id: event.user_id,
            version: event.version,
            session_id: event.data.session_id,
            api_key_id: event.data.api_key_id,
            service: event.data.service.clone(),
            actor: event.actor,
            hash,
        }
    }
}

/// Which lines of the audit trail to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only about this user.
    pub user_id: Option<UserId>,
    /// Only of this kind.
    pub kind: Option<EventKind>,
    /// Only at or after this time.
    pub from: Timestamp,
    /// Only before this time.
    pub to: Timestamp,
    /// Only older than this line: where the page before ended.
    pub before: Option<(Timestamp, EventId)>,
    /// Lines at most.
    pub limit: usize,
}

/// Some lines of the audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPage {
    /// The lines, newest first.
    pub entries: Vec<AuditEntry>,
    /// Where the next page begins; none if there are no older lines in the range. It may name a
    /// place where no line is.
    pub next: Option<(Timestamp, EventId)>,
}

impl AuditQuery {
    /// True if the line is one of those asked for.
    pub fn matches(&self, entry: &AuditEntry) -> bool {
        self.user_id.is_none_or(|id| entry.user_id == Some(id))
            && self.kind.is_none_or(|kind| entry.kind == kind)
            && (self.from..self.to).contains(&entry.time)
            && self
                .before
                .is_none_or(|before| (entry.time, entry.event_id) < before)
    }
}
