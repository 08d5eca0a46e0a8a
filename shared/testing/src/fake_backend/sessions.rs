//! The sessions of a [`FakeBackend`].

use application::ports::{Clock as _, SessionRepository};
use async_trait::async_trait;
use domain::{
    DomainEvent, Error, Result, Session, SessionId, UserId,
    audit::{AuditEntry, Trace},
};

use super::FakeBackend;

#[async_trait]
impl SessionRepository for FakeBackend {
    async fn start(&self, session: &Session, event: &DomainEvent) -> Result<()> {
        self.call("sessions.start", |state| {
            let id = (session.user_id, session.id);
            match state.sessions.get(&id) {
                Some(other) if other.nonce == session.nonce => return Ok(()),
                Some(_) => return Err(Error::internal("the id of a session is in use")),
                None => {}
            }
            state.sessions.insert(id, session.clone());
            state.remember(event);
            Ok(())
        })
        .await
    }

    async fn find(&self, user: UserId, id: SessionId) -> Result<Option<Session>> {
        self.call("sessions.find", |state| {
            Ok(state.sessions.get(&(user, id)).cloned())
        })
        .await
    }

    async fn list(&self, user: UserId) -> Result<Vec<Session>> {
        let now = self.now();
        self.call("sessions.list", |state| {
            let sessions = state.sessions.values().rev();
            let alive =
                sessions.filter(|session| session.user_id == user && session.expires_at > now);
            Ok(alive.cloned().collect())
        })
        .await
    }

    async fn rotate(&self, next: &Session) -> Result<bool> {
        self.call("sessions.rotate", |state| {
            let there = state.sessions.get_mut(&(next.user_id, next.id));
            let before = there.filter(|there| {
                Some(there.generation) == next.generation.checked_sub(1)
                    && there.auth_epoch == next.auth_epoch
                    && there.ended_at.is_none()
            });
            let rotated = before.map(|there| there.clone_from(next));
            Ok(rotated.is_some())
        })
        .await
    }

    async fn prove(&self, next: &Session) -> Result<bool> {
        self.call("sessions.prove", |state| {
            let there = state.sessions.get_mut(&(next.user_id, next.id));
            let live = there
                .filter(|there| there.auth_epoch == next.auth_epoch && there.ended_at.is_none());
            let proven = live.map(|there| {
                there.auth_time = next.auth_time;
                there.methods.clone_from(&next.methods);
            });
            Ok(proven.is_some())
        })
        .await
    }

    async fn end(
        &self,
        user: UserId,
        id: SessionId,
        event: &DomainEvent,
        from: &Trace,
    ) -> Result<bool> {
        self.call("sessions.end", |state| {
            let Some(session) = state.sessions.get_mut(&(user, id)) else {
                return Ok(false);
            };
            if session.ended_at.is_some() {
                return Ok(state.outbox.iter().any(|known| known.id == event.id));
            }
            session.ended_at = Some(event.time);
            session.ended_from = Some(from.clone());
            session.end_line = Some(AuditEntry::of_event(event).digest());
            state.remember(event);
            Ok(true)
        })
        .await
    }

    async fn confirm(&self, user: UserId, id: SessionId, epoch: u64) -> Result<()> {
        self.call("sessions.confirm", |state| {
            if let Some(session) = state.sessions.get_mut(&(user, id)).filter(|session| {
                session.ended_at.is_none() && Some(session.auth_epoch) == epoch.checked_sub(1)
            }) {
                session.auth_epoch = epoch;
            }
            Ok(())
        })
        .await
    }

    async fn forget(&self, user: UserId) -> Result<()> {
        self.call("sessions.forget", |state| {
            state.sessions.retain(|(owner, _), _| *owner != user);
            state.tokens.retain(|(owner, _), _| *owner != user);
            Ok(())
        })
        .await
    }
}
