//! What an export says. Each field is named here: what is added to a user, a session or an event
//! later is not exported by accident, and secrets have no way in.

use std::net::IpAddr;

use serde::Serialize;
use shared::domain::{
    Actor, Email, EventId, EventKind, LoginKey, Session, SessionId, Timestamp, User, Version,
    event::RolesChange, history::HistoryEntry, user::Profile,
};

/// Everything that is held on a user.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Export {
    exported_at: Timestamp,
    user: Profile,
    pending_email: Option<Email>,
    logins: Vec<ExportedLogin>,
    unlinked: Vec<ExportedLogin>,
    sessions: Vec<ExportedSession>,
    history: Vec<ExportedEvent>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
enum ExportedLogin {
    Email { email: Email },
    Oidc { issuer: String, subject: String },
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ExportedSession {
    id: SessionId,
    created_at: Timestamp,
    last_used_at: Timestamp,
    expires_at: Timestamp,
    ended_at: Option<Timestamp>,
    ended_from: Option<IpAddr>,
    methods: Vec<String>,
    source_address: Option<IpAddr>,
    user_agent: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ExportedEvent {
    id: EventId,
    version: Option<Version>,
    #[serde(rename = "type")]
    kind: EventKind,
    time: Timestamp,
    actor: Actor,
    changed: Vec<String>,
    roles: Option<RolesChange>,
    traceparent: Option<String>,
    source_address: Option<IpAddr>,
    request_id: Option<String>,
    old_email: Option<Email>,
    new_email: Option<Email>,
}

impl Export {
    /// The document of `now`.
    pub(super) fn new(
        now: Timestamp,
        user: &User,
        sessions: Vec<Session>,
        history: Vec<HistoryEntry>,
    ) -> Self {
        Self {
            exported_at: now,
            user: user.profile(),
            pending_email: user.pending_email.clone(),
            logins: user.logins.iter().cloned().map(Into::into).collect(),
            unlinked: user.unlinked.iter().cloned().map(Into::into).collect(),
            sessions: sessions.into_iter().map(Into::into).collect(),
            history: history.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<LoginKey> for ExportedLogin {
    fn from(key: LoginKey) -> Self {
        match key {
            LoginKey::Email(email) => Self::Email { email },
            LoginKey::Oidc { issuer, subject } => Self::Oidc { issuer, subject },
        }
    }
}

impl From<Session> for ExportedSession {
    fn from(session: Session) -> Self {
        Self {
            id: session.id,
            created_at: session.created_at,
            last_used_at: session.last_used_at,
            expires_at: session.expires_at,
            ended_at: session.ended_at,
            ended_from: session.ended_from.and_then(|from| from.source_address),
            methods: session.methods,
            source_address: session.source_address,
            user_agent: session.user_agent,
        }
    }
}

impl From<HistoryEntry> for ExportedEvent {
    fn from(entry: HistoryEntry) -> Self {
        let HistoryEntry { event, private, .. } = entry;
        let private = private.as_ref();
        Self {
            id: event.id,
            version: event.version,
            kind: event.kind,
            time: event.time,
            actor: event.actor,
            changed: event.data.changed,
            roles: event.data.roles,
            traceparent: event.traceparent,
            source_address: private.and_then(|private| private.source_address),
            request_id: private.map(|private| private.request_id.clone()),
            old_email: private.and_then(|private| private.old_email.clone()),
            new_email: private.and_then(|private| private.new_email.clone()),
        }
    }
}
