//! Every port in memory, in one type: [`FakeBackend`].
//!
//! All state is reached through [`FakeBackend::call`], the one place where calls are traced and faults
//! are injected; so a new port method is covered by itself.

mod attempts;
mod cache;
mod directory;
mod fault;
pub mod fixture;
mod leases;
mod people;
mod providers;
mod requests;
pub mod sample;
mod samples;
mod sessions;
mod state;
mod tamper;
mod users;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use application::ports::{
    AuditLog, Clock, Env, EventBus, KeyGenerator, LeaseKey, Mailer, PasswordHasher, SecretPurpose,
    Secrets, SecureRandom, SendOutcome, SigningKeys,
};
use async_trait::async_trait;
use domain::{
    DomainEvent, Error, Password, PasswordHash, Result, Timestamp, UserId,
    audit::{AuditEntry, AuditPage, AuditQuery},
    history,
    keys::{KeyPair, KeyRing, PublicKey, Rotation},
    mail::Mail,
};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

pub use fault::{Fault, Outcome};
pub use people::{PASSWORD, Person};
pub use providers::identity;

use self::state::State;

/// The whole outside world, in memory.
#[derive(Debug)]
pub struct FakeBackend {
    state: Mutex<State>,
    trace: Mutex<Vec<&'static str>>,
    fault: Mutex<Option<Fault>>,
    crashed: Notify,
    now: AtomicI64,
    drawn: AtomicU64,
}

/// Where the clock of a new world stands: 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600_000_000;

impl FakeBackend {
    /// An empty world without faults.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            trace: Mutex::default(),
            fault: Mutex::default(),
            crashed: Notify::new(),
            now: AtomicI64::new(START),
            drawn: AtomicU64::new(0),
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

    /// Forgets the calls made so far.
    pub fn clear_trace(&self) {
        lock(&self.trace).clear();
    }

    /// Mails which the mail service accepted.
    pub fn inbox(&self) -> Vec<Mail> {
        lock(&self.state)
            .mails
            .iter()
            .map(|(mail, _)| mail.clone())
            .collect()
    }

    /// The leases of the mails which the mail service accepted.
    pub fn mail_leases(&self) -> Vec<LeaseKey> {
        lock(&self.state)
            .mails
            .iter()
            .map(|(_, lease)| lease.clone())
            .collect()
    }

    /// Events which the bus accepted.
    pub fn published(&self) -> Vec<DomainEvent> {
        lock(&self.state).published.clone()
    }

    /// Events which were written together with what they tell of: what a stream would carry.
    pub fn outbox(&self) -> Vec<DomainEvent> {
        lock(&self.state).outbox.clone()
    }

    /// The audit trail.
    pub fn audit(&self) -> Vec<AuditEntry> {
        lock(&self.state).audit.values().cloned().collect()
    }

    /// Every user there is.
    pub fn users(&self) -> Vec<domain::User> {
        lock(&self.state).users.values().cloned().collect()
    }

    /// Changes a user behind the domain's back, as a test of what should not happen needs it.
    pub fn tamper(&self, id: UserId, change: impl FnOnce(&mut domain::User)) {
        if let Some(user) = lock(&self.state).users.get_mut(&id) {
            change(user);
        }
    }

    /// The hash of `password` as another system made it, which is not current.
    pub fn foreign_hash(&self, password: &Password) -> PasswordHash {
        foreign(&quick_hash(password))
    }

    /// Anonymous requests not carried out yet.
    pub fn pending_requests(&self) -> usize {
        lock(&self.state).requests.len()
    }

    /// The next `count` events offered to the bus are refused one by one.
    pub fn refuse_events(&self, count: usize) {
        lock(&self.state).refused_events = count;
    }

    /// The next `count` mails offered to the mail service are refused.
    pub fn refuse_mails(&self, count: usize) {
        lock(&self.state).refused_mails = count;
    }

    /// Every call of every port: counted, traced, and failed where the fault says so.
    async fn call<T>(
        &self,
        name: &'static str,
        effect: impl FnOnce(&mut State) -> Result<T>,
    ) -> Result<T> {
        lock(&self.trace).push(name);
        let outcome = lock(&self.fault)
            .as_mut()
            .map_or(Outcome::Normal, Fault::next);
        match outcome {
            Outcome::Normal => effect(&mut lock(&self.state)),
            Outcome::Fail => Err(Error::internal(format!("{name} failed, as the test wants"))),
            Outcome::LoseReply => {
                let answer = effect(&mut lock(&self.state));
                answer.and_then(|_| {
                    Err(Error::internal(format!(
                        "the answer of {name} got lost, as the test wants"
                    )))
                })
            }
            Outcome::CrashBefore => self.crash().await,
            Outcome::CrashAfter => {
                let _: Result<T> = effect(&mut lock(&self.state));
                self.crash().await
            }
        }
    }

    /// A crash is a future that never ends; whoever runs it drops it.
    async fn crash<T>(&self) -> T {
        self.crashed.notify_one();
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

/// One round of SHA-256: quick, for tests that are not about hashing.
#[async_trait]
impl PasswordHasher for FakeBackend {
    async fn hash(&self, password: &Password) -> Result<PasswordHash> {
        let hash = quick_hash(password);
        self.call("hasher.hash", |_| Ok(hash)).await
    }

    async fn verify(&self, password: &Password, hash: Option<&PasswordHash>) -> Result<bool> {
        let ours = quick_hash(password);
        let matches = hash.is_some_and(|hash| *hash == ours || *hash == foreign(&ours));
        self.call("hasher.verify", |_| Ok(matches)).await
    }

    fn is_current(&self, hash: &PasswordHash) -> bool {
        !hash.expose().starts_with(FOREIGN)
    }
}

/// What the hashes of another system begin with.
const FOREIGN: &str = "foreign ";

fn foreign(hash: &PasswordHash) -> PasswordHash {
    PasswordHash::from_phc(format!("{FOREIGN}{}", hash.expose()))
}

fn quick_hash(password: &Password) -> PasswordHash {
    let digest: [u8; 32] = Sha256::digest(password.expose().as_bytes()).into();
    PasswordHash::from_phc(history::Digest::from(digest).to_string())
}

#[async_trait]
impl SigningKeys for FakeBackend {
    async fn ring(&self) -> Result<Option<KeyRing>> {
        self.call("keys.ring", |state| Ok(state.ring.clone())).await
    }

    async fn private(&self, kid: &str) -> Result<Option<SecretSlice<u8>>> {
        self.call("keys.private", |state| {
            Ok(state.private_keys.get(kid).cloned().map(SecretSlice::from))
        })
        .await
    }

    async fn bootstrap(&self, first: &KeyPair) -> Result<KeyRing> {
        self.call("keys.bootstrap", |state| {
            if let Some(ring) = &state.ring {
                return Ok(ring.clone());
            }
            let kid = first.public.kid.clone();
            state
                .private_keys
                .insert(kid, first.private.expose_secret().to_vec());
            Ok(state
                .ring
                .insert(KeyRing::first(first.public.clone()))
                .clone())
        })
        .await
    }

    async fn rotate(&self, rotation: &Rotation) -> Result<bool> {
        self.call("keys.rotate", |state| {
            if state.ring.as_ref() == Some(&rotation.ring) {
                return Ok(true);
            }
            let follows = |ring: &KeyRing| ring.version + 1 == rotation.ring.version;
            if !state.ring.as_ref().is_some_and(follows) {
                return Ok(false);
            }
            for kid in &rotation.retired {
                state.private_keys.remove(kid);
            }
            if let Some(next) = &rotation.next {
                let private = next.private.expose_secret().to_vec();
                state.private_keys.insert(next.public.kid.clone(), private);
            }
            state.ring = Some(rotation.ring.clone());
            Ok(true)
        })
        .await
    }
}

/// Keys that sign nothing, quickly made.
impl KeyGenerator for FakeBackend {
    fn generate(&self, activates_at: Timestamp) -> Result<KeyPair> {
        let random: &dyn SecureRandom = self;
        Ok(KeyPair {
            public: PublicKey {
                kid: random.token()?,
                n: String::new(),
                e: String::new(),
                activates_at,
            },
            private: random.bytes::<32>()?.to_vec().into(),
        })
    }
}

#[async_trait]
impl Secrets for FakeBackend {
    async fn get_or_put(
        &self,
        purpose: SecretPurpose,
        candidate: SecretSlice<u8>,
    ) -> Result<SecretSlice<u8>> {
        self.call("secrets.get_or_put", |state| {
            let stored = state.secrets.entry(purpose);
            Ok(stored
                .or_insert_with(|| candidate.expose_secret().to_vec())
                .clone()
                .into())
        })
        .await
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
                return Ok(SendOutcome::Refused("the test wants it".to_owned()));
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
