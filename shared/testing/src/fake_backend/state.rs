//! What a [`FakeBackend`](super::FakeBackend) holds.

use std::collections::{BTreeMap, BTreeSet};

use application::ports::{LeaseKey, Lock, SecretPurpose};
use directory::{Manifest, SegmentName};
use domain::{
    ApiKey, ApiKeyId, DomainEvent, EventId, Login, LoginKey, RequestId, Session, SessionId,
    Timestamp, TokenPurpose, User, UserId, Version,
    attempt::{AttemptKey, Scope},
    audit::AuditEntry,
    history::HistoryEntry,
    keys::KeyRing,
    mail::Mail,
    request::AnonymousRequest,
    secrets::SecretRing,
    token::TokenHash,
    user::{Invitation, Tombstone},
};

#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) users: BTreeMap<UserId, User>,
    pub(super) tombstones: BTreeMap<UserId, Tombstone>,
    pub(super) history: BTreeMap<(UserId, Version), HistoryEntry>,
    pub(super) logins: BTreeMap<LoginKey, Login>,
    pub(super) admins: u64,
    pub(super) sessions: BTreeMap<(UserId, SessionId), Session>,
    pub(super) tokens: BTreeMap<(UserId, TokenPurpose), TokenSlot>,
    pub(super) invitations: BTreeMap<UserId, Invitation>,
    pub(super) api_keys: BTreeMap<ApiKeyId, ApiKey>,
    pub(super) api_key_uses: BTreeMap<ApiKeyId, String>,
    pub(super) requests: BTreeMap<RequestId, AnonymousRequest>,
    pub(super) attempts: BTreeMap<AttemptKey, super::attempts::Count>,
    pub(super) mailboxes: BTreeMap<String, super::mailboxes::Known>,
    /// By whom, what is counted, and the end of the lock.
    pub(super) locks: BTreeMap<(String, Scope, Timestamp), Lock>,
    pub(super) leases: BTreeMap<LeaseKey, super::leases::Record>,
    pub(super) cache: super::cache::Cached,
    pub(super) providers: super::providers::Providers,
    pub(super) ring: Option<KeyRing>,
    pub(super) private_keys: BTreeMap<String, Vec<u8>>,
    pub(super) secrets: BTreeMap<SecretPurpose, SecretRing>,
    pub(super) outbox: Vec<DomainEvent>,
    pub(super) published: Vec<DomainEvent>,
    pub(super) registry: super::registry::Registry,
    pub(super) refused_events: usize,
    pub(super) refused_mails: usize,
    pub(super) mails: Vec<(Mail, LeaseKey)>,
    pub(super) audit: BTreeMap<(Timestamp, EventId), AuditEntry>,
    pub(super) lagging: BTreeSet<UserId>,
    pub(super) manifest: Option<Manifest>,
    pub(super) segments: BTreeMap<SegmentName, Vec<u8>>,
}

/// The newest token of a user for a purpose.
#[derive(Debug, Clone)]
pub(super) struct TokenSlot {
    pub(super) hash: TokenHash,
    pub(super) seed: Option<EventId>,
    pub(super) issued_at: Timestamp,
    pub(super) expires_at: Timestamp,
    /// The receipt of its use; none while it is unused.
    pub(super) receipt: Option<TokenHash>,
}

impl State {
    /// Puts an event into the outbox. Writing the same item again is no new event.
    pub(super) fn remember(&mut self, event: &DomainEvent) {
        if self.outbox.iter().all(|known| known.id != event.id) {
            self.outbox.push(event.clone());
        }
    }

    /// Offers an event to the bus.
    pub(super) fn publish(&mut self, event: &DomainEvent) -> bool {
        if let Some(left) = self.refused_events.checked_sub(1) {
            self.refused_events = left;
            return false;
        }
        self.published.push(event.clone());
        true
    }
}
