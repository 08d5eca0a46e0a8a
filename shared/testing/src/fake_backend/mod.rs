//! Every port in memory, in one type: [`FakeBackend`].

mod api_keys;
mod attempts;
mod cache;
mod composition;
mod directory;
mod fault;
mod inspection;
mod invitations;
mod keys;
mod leases;
mod mailboxes;
mod people;
mod providers;
mod registry;
mod requests;
mod sessions;
mod state;
mod users;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use application::ports::{
    AuditLog, Clock, Env, EventBus, LeaseKey, Mailer, SecureRandom, SendOutcome,
};
use async_trait::async_trait;
use domain::{
    Change, DomainEvent, Error, Result, Timestamp,
    audit::{AuditEntry, AuditPage, AuditQuery},
    mail::Mail,
};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use self::{
    fault::{Armed, Outcome},
    state::State,
};

pub use composition::{SIGN_INS, SIGN_UPS};
pub use fault::Fault;
pub use people::{PASSWORD, Person, SERVICE};
pub use providers::identity;
pub use registry::Sent;

/// Every port of the application, in memory.
///
/// **Calls.** Each method of each port goes through one function, which notes its name: [`trace`]
/// lists the calls of a test in order, such as `users.find`, `users.commit`.
///
/// **Faults.** In production a call can fail in four ways, and a [`Fault`] brings about one of them
/// at one chosen call. The process stops before the call or just after it; the call works, but its
/// answer is lost, so that the caller thinks it failed; or the call fails and changes nothing.
/// [`with_fault`] runs one piece of work with one fault. [`try_every_fault`] runs a scenario once for
/// each way and each call: it needs no list of calls, and a call that is added later is tried too.
/// Most tests need neither: commands have [`Endpoint::survives_every_fault`], all other work has
/// [`survives_every_fault`].
///
/// **Time and randomness.** The clock stands still until [`advance`] moves it. Random bytes are the
/// same in each run, and differ from call to call.
///
/// [`trace`]: Self::trace
/// [`advance`]: Self::advance
/// [`with_fault`]: Self::with_fault
/// [`try_every_fault`]: Self::try_every_fault
/// [`survives_every_fault`]: Self::survives_every_fault
/// [`Endpoint::survives_every_fault`]: crate::Endpoint::survives_every_fault
#[derive(Debug)]
pub struct FakeBackend {
    state: Mutex<State>,
    trace: Mutex<Vec<&'static str>>,
    fault: Mutex<Option<Armed>>,
    stopped: Notify,
    rivals: Mutex<Vec<Rival>>,
    now: AtomicI64,
    drawn: AtomicU64,
}

/// A change that another process commits right after the next call of this name.
#[derive(Debug)]
struct Rival {
    call: &'static str,
    change: Change,
}

/// The time at which a new backend starts: 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600_000_000;

impl FakeBackend {
    /// An empty backend without faults.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            trace: Mutex::default(),
            fault: Mutex::default(),
            stopped: Notify::new(),
            rivals: Mutex::default(),
            now: AtomicI64::new(START),
            drawn: AtomicU64::new(0),
        })
    }

    /// Another one in the same state, with the same time and the same random bytes to come. It has an empty
    /// trace, and no fault is due.
    pub fn fork(&self) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(lock(&self.state).clone()),
            trace: Mutex::default(),
            fault: Mutex::default(),
            stopped: Notify::new(),
            rivals: Mutex::default(),
            now: AtomicI64::new(self.now.load(Ordering::SeqCst)),
            drawn: AtomicU64::new(self.drawn.load(Ordering::SeqCst)),
        })
    }

    /// The clock and the randomness of this backend.
    pub fn env(self: &Arc<Self>) -> Env {
        Env {
            clock: self.clone(),
            random: self.clone(),
        }
    }

    /// Moves the clock.
    pub fn advance(&self, span: Duration) {
        let micros = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        self.now.fetch_add(micros, Ordering::SeqCst);
    }

    /// The names of the calls made so far, in order.
    pub fn trace(&self) -> Vec<&'static str> {
        lock(&self.trace).clone()
    }

    /// Empties the trace.
    pub fn clear_trace(&self) {
        lock(&self.trace).clear();
    }

    /// Another process commits `change` right after the next call of this name. Of several changes each
    /// waits for a call of its own.
    pub fn commit_after(&self, call: &'static str, change: Change) {
        lock(&self.rivals).push(Rival { call, change });
    }

    /// The bus refuses the next `count` events.
    pub fn refuse_events(&self, count: usize) {
        lock(&self.state).refused_events = count;
    }

    /// The mail service refuses the next `count` mails.
    pub fn refuse_mails(&self, count: usize) {
        lock(&self.state).refused_mails = count;
    }

    /// Makes one call of a port: notes its name, and lets a fault happen if it is due here.
    ///
    /// Nothing else reaches the state, so a new port cannot be forgotten.
    async fn call<T>(
        &self,
        name: &'static str,
        effect: impl FnOnce(&mut State) -> Result<T>,
    ) -> Result<T> {
        lock(&self.trace).push(name);
        let outcome = lock(&self.fault)
            .as_mut()
            .map_or(Outcome::Normal, |armed| armed.next(name));
        match outcome {
            Outcome::Normal => {
                let result = effect(&mut lock(&self.state));
                self.let_rival_commit(name)?;
                result
            }
            Outcome::Fail => Err(Error::internal(format!("the test lets {name} fail"))),
            Outcome::LoseReply => {
                effect(&mut lock(&self.state))?;
                let message = format!("the test loses the reply of {name}");
                Err(Error::internal(message))
            }
            Outcome::StopBefore => self.stop().await,
            Outcome::StopAfter => {
                let _: Result<T> = effect(&mut lock(&self.state));
                self.stop().await
            }
        }
    }

    fn let_rival_commit(&self, call: &'static str) -> Result<()> {
        let mut rivals = lock(&self.rivals);
        if let Some(place) = rivals.iter().position(|rival| rival.call == call) {
            let rival = rivals.remove(place);
            lock(&self.state).commit(&rival.change, self.now())?;
        }
        Ok(())
    }

    /// The process stops: a future that never ends, which [`FakeBackend::with_fault`] drops.
    async fn stop<T>(&self) -> T {
        self.stopped.notify_one();
        std::future::pending().await
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Clock for FakeBackend {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.now.load(Ordering::SeqCst))
    }

    async fn sleep(&self, span: Duration) {
        self.advance(span);
    }
}

/// The same bytes in each run, and never the same twice in one.
impl SecureRandom for FakeBackend {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        for chunk in bytes.chunks_mut(32) {
            let drawn = self.drawn.fetch_add(1, Ordering::SeqCst);
            chunk.copy_from_slice(&Sha256::digest(drawn.to_be_bytes())[..chunk.len()]);
        }
        Ok(())
    }
}

#[async_trait]
impl EventBus for FakeBackend {
    async fn publish(&self, events: &[DomainEvent]) -> Result<Vec<bool>> {
        self.call("bus.publish", |state| {
            Ok(events.iter().map(|event| state.publish(event)).collect())
        })
        .await
    }
}

#[async_trait]
impl Mailer for FakeBackend {
    async fn send(&self, mail: &Mail, lease: &LeaseKey) -> Result<SendOutcome> {
        self.call("mailer.send", |state| {
            if let Some(left) = state.refused_mails.checked_sub(1) {
                state.refused_mails = left;
                return Ok(SendOutcome::Refused("the test lets it".to_owned()));
            }
            state.mails.push((mail.clone(), lease.clone()));
            Ok(SendOutcome::Accepted)
        })
        .await
    }
}

#[async_trait]
impl AuditLog for FakeBackend {
    async fn record(&self, entry: &AuditEntry) -> Result<()> {
        self.call("audit.record", |state| {
            state
                .audit
                .entry((entry.time, entry.event_id))
                .or_insert_with(|| entry.clone());
            Ok(())
        })
        .await
    }

    async fn list(&self, query: &AuditQuery) -> Result<AuditPage> {
        self.call("audit.list", |state| {
            let mut matching = state
                .audit
                .values()
                .rev()
                .filter(|entry| query.matches(entry))
                .cloned();
            let entries: Vec<AuditEntry> = matching.by_ref().take(query.limit).collect();
            let last = entries.last().map(|entry| (entry.time, entry.event_id));
            Ok(AuditPage {
                next: matching.next().and(last),
                entries,
            })
        })
        .await
    }
}
