//! Reads and changes the state of a [`FakeBackend`] without a call: for the assertions of tests.

use std::{convert::Infallible, time::Duration};

use application::ports::{Clock as _, LeaseKey, Purpose};
use domain::{
    DeploymentEpoch, DomainEvent, EventId, Login, OneTimeToken, SecretPurpose, Session, SessionId,
    Timestamp, User, UserId, Version, api_key::ListedApiKey, audit::AuditEntry,
    history::HistoryEntry, mail::Mail, secrets::SecretRing,
};
use serde_json::Value;

use super::{FakeBackend, lock};

impl FakeBackend {
    /// Mails that the mail service accepted.
    pub fn inbox(&self) -> Vec<Mail> {
        let mails = self.mails_from(0).into_iter();
        mails.map(|(mail, _)| mail).collect()
    }

    /// Leases of the mails that the mail service accepted.
    pub fn mail_leases(&self) -> Vec<LeaseKey> {
        let mails = self.mails_from(0).into_iter();
        mails.map(|(_, lease)| lease).collect()
    }

    /// Mails that the mail service accepted, and their leases, but for the first `skip`.
    pub fn mails_from(&self, skip: usize) -> Vec<(Mail, LeaseKey)> {
        lock(&self.state).mails[skip..].to_vec()
    }

    /// Mails whose fate the ledger does not know.
    pub fn open_mails(&self) -> Vec<LeaseKey> {
        let state = lock(&self.state);
        let open = state
            .leases
            .iter()
            .filter(|(_, record)| record.result().is_none());
        open.map(|(key, _)| key.clone())
            .filter(|key| key.purpose == Purpose::Mail)
            .collect()
    }

    /// All leases as text, to compare.
    pub fn ledger(&self) -> String {
        format!("{:?}", lock(&self.state).leases)
    }

    /// How a lease was settled, if it was.
    pub fn lease_result(&self, key: &LeaseKey) -> Option<Value> {
        lock(&self.state).leases.get(key)?.result().cloned()
    }

    /// Who may sign in by what.
    pub fn logins(&self) -> Vec<Login> {
        lock(&self.state).logins.values().cloned().collect()
    }

    /// The number of active administrators, as it is counted.
    pub fn counted_administrators(&self) -> u64 {
        lock(&self.state).admins
    }

    /// Everybody who has a history, in the order in which they came.
    pub fn everybody(&self) -> Vec<UserId> {
        let state = lock(&self.state);
        let mut ids: Vec<UserId> = state.history.keys().map(|(id, _)| *id).collect();
        ids.dedup();
        ids
    }

    /// True if there is a session or a one-time token of this user.
    pub fn has_leftovers(&self, id: UserId) -> bool {
        let state = lock(&self.state);
        let mut sessions = state.sessions.keys().map(|(owner, _)| *owner);
        let mut tokens = state.tokens.keys().map(|(owner, _)| *owner);
        sessions.any(|owner| owner == id) || tokens.any(|owner| owner == id)
    }

    /// Events that the bus accepted.
    pub fn published(&self) -> Vec<DomainEvent> {
        self.published_from(0)
    }

    /// The same but for the first `skip`.
    pub fn published_from(&self, skip: usize) -> Vec<DomainEvent> {
        lock(&self.state).published[skip..].to_vec()
    }

    /// Events written together with the change they report: what the stream of the table carries.
    pub fn outbox(&self) -> Vec<DomainEvent> {
        self.outbox_from(0)
    }

    /// The same but for the first `skip`.
    pub fn outbox_from(&self, skip: usize) -> Vec<DomainEvent> {
        lock(&self.state).outbox[skip..].to_vec()
    }

    /// The audit trail.
    pub fn audit(&self) -> Vec<AuditEntry> {
        lock(&self.state).audit.values().cloned().collect()
    }

    pub fn users(&self) -> Vec<User> {
        lock(&self.state).users.values().cloned().collect()
    }

    /// The API keys, expired or not, with the days of their last uses.
    pub fn api_keys(&self) -> Vec<ListedApiKey> {
        let state = lock(&self.state);
        let keys = state.api_keys.values().map(|key| ListedApiKey {
            key: key.clone(),
            last_used_on: state.api_key_uses.get(&key.id).cloned(),
        });
        keys.collect()
    }

    /// The number of anonymous requests that are not carried out yet.
    pub fn pending_requests(&self) -> usize {
        lock(&self.state).requests.len()
    }

    pub fn user(&self, id: UserId) -> Option<User> {
        lock(&self.state).users.get(&id).cloned()
    }

    /// The sessions of a user, ended or not.
    pub fn sessions_of(&self, id: UserId) -> Vec<Session> {
        let state = lock(&self.state);
        let sessions = state.sessions.values();
        sessions
            .filter(|session| session.user_id == id)
            .cloned()
            .collect()
    }

    /// The history of a user, oldest first.
    pub fn history_of(&self, id: UserId) -> Vec<HistoryEntry> {
        let state = lock(&self.state);
        let entries = state.history.iter().filter(|((user, _), _)| *user == id);
        entries.map(|(_, entry)| entry.clone()).collect()
    }

    /// The one-time token in the newest mail that has one.
    pub fn mailed_token(&self) -> Option<OneTimeToken> {
        let inbox = self.inbox();
        let mut mails = inbox.iter().rev();
        let (_, rest) = mails.find_map(|mail| mail.text.split_once("#token="))?;
        let token = rest.split(|c: char| c == '&' || c.is_whitespace()).next();
        token?.parse().ok()
    }

    /// The next version of a secret is made, as the daily rotation does, if one is due.
    pub fn rotate_secret(&self, purpose: SecretPurpose) {
        let now = self.now();
        let mut state = lock(&self.state);
        let rotated = state.secrets.get(&purpose).map(|secret| {
            let random = || Ok::<_, Infallible>([7; 32]);
            let Ok(rotated) = secret.rotated(purpose, now, Duration::ZERO, random);
            rotated.expect("a version is due")
        });
        state
            .secrets
            .extend(rotated.map(|secret| (purpose, secret)));
        state.ring.get_or_insert_default().version += 1;
    }

    /// A secret gives way to another at once.
    pub fn replace_secret(&self, purpose: SecretPurpose) {
        let secret = SecretRing::first([8; 32], self.now());
        let mut state = lock(&self.state);
        state.secrets.insert(purpose, secret);
        state.ring.get_or_insert_default().version += 1;
    }

    /// The deployment finds out at `time` that everything leaked. Those who know the ring hear of it when
    /// access may lag no longer.
    pub fn begin_epoch(&self, time: Timestamp) {
        let mut state = lock(&self.state);
        let ring = state.ring.get_or_insert_default();
        ring.version += 1;
        ring.epoch = DeploymentEpoch::beginning(time);
    }

    /// Changes a user without a commit, so without a version or an event.
    pub fn tamper(&self, id: UserId, change: impl FnOnce(&mut User)) {
        if let Some(user) = lock(&self.state).users.get_mut(&id) {
            change(user);
        }
    }

    /// Changes an entry of a user's history, as only someone with write access to the table can.
    pub fn tamper_with_history(
        &self,
        id: UserId,
        version: Version,
        change: impl FnOnce(&mut HistoryEntry),
    ) {
        if let Some(entry) = lock(&self.state).history.get_mut(&(id, version)) {
            change(entry);
        }
    }

    /// Removes a user's item without an event.
    pub fn remove_user(&self, id: UserId) {
        lock(&self.state).users.remove(&id);
    }

    /// Changes a session, as only someone with write access to the table can.
    pub fn tamper_with_session(&self, id: SessionId, change: impl FnOnce(&mut Session)) {
        let mut state = lock(&self.state);
        if let Some(session) = state.sessions.values_mut().find(|session| session.id == id) {
            change(session);
        }
    }

    /// Removes a session.
    pub fn remove_session(&self, id: SessionId) {
        let mut state = lock(&self.state);
        state.sessions.retain(|(_, session), _| *session != id);
    }

    /// Removes the lock that an event announced.
    pub fn remove_lock(&self, id: EventId) {
        lock(&self.state)
            .locks
            .retain(|_, lock| lock.event.id != id);
    }

    /// Whether a lock of the user is kept.
    pub fn has_locks(&self, user: UserId) -> bool {
        let state = lock(&self.state);
        let mut locks = state.locks.values();
        locks.any(|lock| lock.event.user_id == Some(user))
    }

    /// Removes a line of the audit trail.
    pub fn remove_from_audit(&self, id: EventId) {
        lock(&self.state)
            .audit
            .retain(|_, line| line.event_id != id);
    }

    /// Removes an entry of a user's history.
    pub fn remove_from_history(&self, id: UserId, version: Version) {
        lock(&self.state).history.remove(&(id, version));
    }

    /// Changes a line of the audit trail.
    pub fn tamper_with_audit(&self, id: EventId, change: impl FnOnce(&mut AuditEntry)) {
        let mut state = lock(&self.state);
        if let Some(line) = state.audit.values_mut().find(|line| line.event_id == id) {
            change(line);
        }
    }
}
