//! What the use cases need of the backend: one small trait for each capability, so that the fields of
//! a use case are the list of what it can do.

mod cache;
mod identity;
mod leases;

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    Change, DomainEvent, Login, LoginKey, Origin, Password, PasswordHash, RequestId, Result, Role,
    Session, SessionId, Timestamp, User, UserId, Version,
    attempt::{AttemptKey, Limit},
    audit::{AuditEntry, AuditPage, AuditQuery},
    change::EventMetadata,
    history::HistoryEntry,
    keys::{KeyPair, KeyRing, Rotation},
    mail::Mail,
    request::AnonymousRequest,
    token::{TokenIssue, TokenUse},
};
use secrecy::{SecretSlice, SecretString};

pub use cache::{CacheEntry, SharedCache};
pub use identity::IdentityProviders;
pub use leases::{Claimed, Lease, LeaseKey, LeaseOptions, Leases, Purpose, Settled};

/// The users: the write model.
#[async_trait]
pub trait UserRepository: Send + Sync {
    /// The user with this id; none if there never was one or it was erased. Reads what the last
    /// write wrote.
    async fn find(&self, id: UserId) -> Result<Option<User>>;

    /// The login with this key, if somebody has it. Strongly consistent.
    async fn find_login(&self, key: &LoginKey) -> Result<Option<Login>>;

    /// Writes a change: state, event and logins in one transaction. Gives the user as written.
    /// Repeating a change that was written, known by its event's id, writes nothing and gives the
    /// user as written.
    ///
    /// # Errors
    /// In this order: `VersionConflict` if the user changed since, or is not the
    /// first administrator any more; `TokenExpired` if the token it
    /// spends is not the one in its slot, was used or has expired; `EmailTaken` if a login it leases
    /// has an owner; `LastAdministrator` if no active administrator would be left.
    async fn commit(&self, change: &Change) -> Result<User>;

    /// Puts a fresh hash of the same password in the place of `old`, if `old.key` still is that
    /// user's and still has that hash. Returns true if it did. The one write without an event: what the
    /// user is and may do stays the same.
    async fn rehash(&self, old: &Login, new: &PasswordHash) -> Result<bool>;

    /// Whether there is an active administrator. Strongly consistent.
    async fn has_administrator(&self) -> Result<bool>;

    /// The entry of a user's history that made this version.
    async fn history_entry(&self, id: UserId, version: Version) -> Result<Option<HistoryEntry>>;

    /// Up to `limit` entries of a user's history, oldest first, after the version `after` if one is
    /// given. Of an erased user too.
    async fn history(
        &self,
        id: UserId,
        after: Option<Version>,
        limit: usize,
    ) -> Result<Vec<HistoryEntry>>;

    /// Removes the private part of every entry of an erased user's history. The chain stays whole.
    /// Idempotent.
    async fn forget_private(&self, id: UserId) -> Result<()>;
}

/// The sessions.
#[async_trait]
pub trait SessionRepository: Send + Sync {
    /// Writes a new session together with its event.
    async fn start(&self, session: &Session, event: &DomainEvent) -> Result<()>;

    /// The session with this id, ended or not.
    async fn find(&self, user: UserId, id: SessionId) -> Result<Option<Session>>;

    /// Every session of a user that has not expired, newest first, ended or not.
    async fn list(&self, user: UserId) -> Result<Vec<Session>>;

    /// Writes a session on as its next generation, unless somebody was first: it must be at the
    /// generation and the epoch before, and not ended. Gives whether it was written by this call.
    async fn rotate(&self, next: &Session) -> Result<bool>;

    /// Marks a session as ended, together with the event. Gives whether this ended it: false if it had
    /// ended before or never was. A repetition with the same event gives true.
    async fn end(&self, user: UserId, id: SessionId, event: &DomainEvent) -> Result<bool>;

    /// Gives a session the epoch to which a change of the user just led, so that it outlives the
    /// change which ends all others. Nothing happens to a session that is gone or has ended, nor to
    /// one that was not at the epoch before: that was dead already. Idempotent.
    async fn confirm(&self, user: UserId, id: SessionId, epoch: u64) -> Result<()>;

    /// Removes everything kept under a user: sessions and one-time tokens. Idempotent.
    async fn forget(&self, user: UserId) -> Result<()>;
}

/// The counts of tries.
#[async_trait]
pub trait Attempts: Send + Sync {
    /// Spends one try, unless there is none now. However many are spent at once, no more than `limit`
    /// allows are admitted.
    async fn spend(&self, key: &AttemptKey, limit: &Limit) -> Result<Acquisition>;

    /// Gives one try back. Nothing happens if none is spent. A reply that gets lost may give back two.
    async fn refund(&self, key: &AttemptKey) -> Result<()>;

    /// Forgets all tries. Idempotent.
    async fn clear(&self, key: &AttemptKey) -> Result<()>;

    /// Notes, together with the event, that somebody was refused until a time; once for each time.
    async fn announce(&self, key: &AttemptKey, until: Timestamp, event: &DomainEvent)
    -> Result<()>;
}

/// What became of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acquisition {
    /// It is spent; go on.
    Acquired,
    /// There is none.
    Limited {
        /// Until when.
        until: Timestamp,
        /// Whether that was announced.
        announced: bool,
    },
}

/// The requests of people of whom nobody knows yet whether they are users.
#[async_trait]
pub trait AnonymousRequests: Send + Sync {
    /// Writes a request together with its event.
    async fn put(&self, request: &AnonymousRequest, event: &DomainEvent) -> Result<()>;

    /// The request with this id, unless it was removed or has expired.
    async fn find(&self, id: RequestId) -> Result<Option<AnonymousRequest>>;

    /// Forgets a request. Fine if it is gone.
    async fn remove(&self, id: RequestId) -> Result<()>;
}

/// The one-time tokens. They are used up by the change they permit: see
/// [`Change::spending`](domain::Change::spending).
#[async_trait]
pub trait OneTimeTokens: Send + Sync {
    /// Puts a token into the user's slot for its purpose; the one before is void. Unless that one is
    /// newer: then nothing changes. Nothing changes either if the token was issued before: a used one
    /// stays used. Gives whether the token is in its slot, and unused.
    async fn issue(&self, token: &TokenIssue) -> Result<bool>;

    /// Whether a change that spends `token` would find it good.
    async fn is_good(&self, token: &TokenUse) -> Result<bool>;
}

/// The keys that sign access tokens.
#[async_trait]
pub trait SigningKeys: Send + Sync {
    /// The published keys; none before the first was made.
    async fn ring(&self) -> Result<Option<KeyRing>>;

    /// The private half of a key: PKCS#8 DER.
    async fn private(&self, kid: &str) -> Result<Option<SecretSlice<u8>>>;

    /// Publishes the first key, unless somebody else was first. Gives the ring as it is then.
    async fn bootstrap(&self, first: &KeyPair) -> Result<KeyRing>;

    /// Writes a rotation, all of it or nothing, unless the ring changed since it was read. Gives
    /// whether the ring is that of the rotation now: a repetition gives true.
    async fn rotate(&self, rotation: &Rotation) -> Result<bool>;
}

/// Makes keys.
pub trait KeyGenerator: Send + Sync {
    /// A new key that signs from `activates_at` on.
    fn generate(&self, activates_at: Timestamp) -> Result<KeyPair>;
}

/// Secrets which processes share, each 256 random bits made by whoever needs it first.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// The secret for `purpose`: the stored one, or `candidate` if there was none.
    async fn get_or_put(
        &self,
        purpose: SecretPurpose,
        candidate: SecretSlice<u8>,
    ) -> Result<SecretSlice<u8>>;
}

/// What a shared secret is for. Each has its own leading key in the table, so that a function reads
/// only its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SecretPurpose {
    /// Hides keys and bodies in idempotency records.
    Idempotency,
    /// Makes the secrets of refresh tokens.
    Refresh,
    /// Makes the secrets of one-time tokens.
    OneTimeToken,
    /// Makes the ids of imported users.
    Import,
}

impl SecretPurpose {
    /// The name by which it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idempotency => "idempotency",
            Self::Refresh => "refresh",
            Self::OneTimeToken => "one-time-token",
            Self::Import => "import",
        }
    }
}

/// Hashes passwords, slowly on purpose.
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// A fresh hash with its own salt.
    async fn hash(&self, password: &Password) -> Result<PasswordHash>;

    /// Whether `password` gave `hash`. Without a hash the answer is no, at the same cost.
    async fn verify(&self, password: &Password, hash: Option<&PasswordHash>) -> Result<bool>;

    /// Whether `hash` is as a fresh one would be, but for the salt. If not, whoever knows the
    /// password should have it hashed anew: another system made it, or we did at another cost.
    fn is_current(&self, hash: &PasswordHash) -> bool;
}

/// Issues access tokens.
#[async_trait]
pub trait TokenIssuer: Send + Sync {
    /// A signed token for `session` of `user`, named as from `issuer`.
    async fn issue(&self, issuer: &str, user: &User, session: &Session) -> Result<AccessToken>;
}

/// A signed access token.
#[derive(Debug, Clone)]
pub struct AccessToken {
    /// The token: a JWT (RFC 9068).
    pub token: SecretString,
    /// Seconds until it expires.
    pub expires_in: u64,
}

/// Verifies access tokens.
#[async_trait]
pub trait TokenVerifier: Send + Sync {
    /// What a genuine, unexpired token from `issuer` says; nothing for any other text.
    async fn verify(&self, issuer: &str, token: &str) -> Result<Option<AccessTokenClaims>>;
}

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessTokenClaims {
    /// Whose it is.
    pub user_id: UserId,
    /// Of which session.
    pub session_id: SessionId,
    /// The user's epoch when it was signed.
    pub epoch: u64,
    /// The user's roles then.
    pub roles: Vec<Role>,
}

/// The bus that carries domain events to observers.
#[async_trait]
pub trait EventBus: Send + Sync {
    /// Publishes up to [`MAX_EVENTS`](crate::ports::MAX_EVENTS) events. Gives, for each, whether the
    /// bus took it.
    async fn publish(&self, events: &[DomainEvent]) -> Result<Vec<bool>>;
}

/// Events one call of `publish` may carry: the limit of `PutEvents`.
pub const MAX_EVENTS: usize = 10;

/// Sends mails.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Hands `mail` to the mail service, marked with the key of its lease, by which the service's
    /// own events find the ledger.
    ///
    /// # Errors
    /// If nobody knows whether the service took it.
    async fn send(&self, mail: &Mail, lease: &LeaseKey) -> Result<SendOutcome>;
}

/// What the mail service said of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendOutcome {
    /// It has it.
    Accepted,
    /// It does not have it, and why.
    Refused(String),
}

/// The audit trail.
#[async_trait]
pub trait AuditLog: Send + Sync {
    /// Records a line. The same line again changes nothing.
    async fn record(&self, entry: &AuditEntry) -> Result<()>;

    /// Lines as the query asks, newest first. One call reads no more than so much: a page may hold
    /// fewer lines than there are, even none, and still have a next one.
    async fn list(&self, query: &AuditQuery) -> Result<AuditPage>;
}

/// The time.
pub trait Clock: Send + Sync {
    /// The time now, to the microsecond.
    fn now(&self) -> Timestamp;
}

/// Randomness fit for secrets.
pub trait SecureRandom: Send + Sync {
    /// Fills `bytes` with random bytes.
    ///
    /// # Errors
    /// If the operating system has none to give.
    fn fill(&self, bytes: &mut [u8]) -> Result<()>;
}

/// Shorthands over [`SecureRandom`].
impl dyn SecureRandom {
    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// 128 random bits as text.
    pub fn token(&self) -> Result<String> {
        Ok(uuid::Uuid::from_bytes(self.bytes()?).simple().to_string())
    }
}

/// Where the env of a change come from.
#[derive(Clone)]
pub struct Env {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn SecureRandom>,
}

impl Env {
    /// The metadata of a command that came from `origin` just now.
    pub fn metadata(&self, origin: Origin) -> Result<EventMetadata> {
        let now = self.clock.now();
        Ok(EventMetadata {
            event_id: domain::EventId::new(now, self.random.bytes()?),
            salt: self.random.token()?,
            now,
            origin,
        })
    }
}
