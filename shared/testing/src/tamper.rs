//! What only somebody can do who writes to the tables by hand.

use domain::{EventId, UserId, Version, audit::AuditEntry, history::HistoryEntry};

use super::{FakeBackend, lock};

impl FakeBackend {
    /// Changes an entry of a user's history behind the domain's back.
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

    /// Removes an entry of a user's history.
    pub fn remove_from_history(&self, id: UserId, version: Version) {
        lock(&self.state).history.remove(&(id, version));
    }

    /// Changes a line of the audit trail behind the domain's back.
    pub fn tamper_with_audit(&self, id: EventId, change: impl FnOnce(&mut AuditEntry)) {
        let mut state = lock(&self.state);
        if let Some(line) = state.audit.values_mut().find(|line| line.event_id == id) {
            change(line);
        }
    }
}
