//! The audit trail: an index of all events by time, and the witness of each user's history.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{
    Actor, ApiKeyId, DomainEvent, EventId, EventKind, Origin, ServiceName, SessionId, Timestamp,
    UserId, Version,
    digest::{Digest, FieldHash},
    event::RolesChange,
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
    /// The roles before and after; only if they changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<RolesChange>,
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
    /// Of a version, the hash of the user's history up to here. Of the start of a session, the digest of
    /// the session. Of the rest the hash of the event. None in lines of before those were kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<Digest>,
}

impl AuditEntry {
    /// The line for an event that made a version: `hash` is that of its entry in the user's history.
    pub fn of_version(event: &DomainEvent, hash: Digest) -> Self {
        Self::new(event, Some(hash))
    }

    /// The line for an event that made no version.
    pub fn of_event(event: &DomainEvent) -> Self {
        let hash = match event.kind {
            // An event of before has none.
            EventKind::SessionStarted => event.data.digest,
            _ => Some(event.digest()),
        };
        Self::new(event, hash)
    }

    fn new(event: &DomainEvent, hash: Option<Digest>) -> Self {
        Self {
            event_id: event.id,
            kind: event.kind,
            time: event.time,
            user_id: event.user_id,
            version: event.version,
            roles: event.data.roles.clone(),
            session_id: event.data.session_id,
            api_key_id: event.data.api_key_id,
            service: event.data.service.clone(),
            actor: event.actor,
            hash,
        }
    }

    /// The digest of the line but for `hash`, by which a session knows the lines about it.
    pub fn digest(&self) -> Digest {
        let Self {
            event_id,
            kind,
            time,
            user_id,
            version,
            roles,
            session_id,
            api_key_id,
            service,
            actor,
            // What it is of covers it.
            hash: _,
        } = self;
        let mut hash = FieldHash::new("roster.line.1");
        hash.field(event_id);
        hash.field(kind);
        hash.field(time);
        hash.option(user_id.as_ref());
        hash.option(version.as_ref());
        hash.option(roles.as_ref().map(RolesChange::digest).as_ref());
        hash.option(session_id.as_ref());
        hash.option(api_key_id.as_ref());
        hash.field(actor);
        hash.added("service", service.as_ref());
        hash.finish()
    }
}

/// From where an event without a version was caused. It is personal data: it stands beside the event where
/// that is kept, and goes with the user; never in the event itself, nor in a line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    /// The client IP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_address: Option<IpAddr>,
    /// The request, as in its answer and the logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Trace {
    pub fn of(origin: &Origin) -> Self {
        Self {
            source_address: origin.client_ip,
            request_id: Some(origin.request_id.clone()),
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
