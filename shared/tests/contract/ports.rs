//! The ports of one backend, and what tests need besides.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use shared::{
    application::ports::{
        AnonymousRequests, ApiKeys, Attempts, AuditLog, Clock, DeliveryLog, Env, Invitations,
        Leases, Mailboxes, OneTimeTokens, Secrets, SecureRandom, ServiceInstances, ServiceRegistry,
        SessionRepository, SharedCache, SigningKeys, UserRepository,
    },
    directory::ports::{Snapshots, UserFeed},
    domain::{
        Actor, Change, Email, Error, LoginKey, Origin, PasswordHash, Refusal, Result, Role,
        Timestamp, TokenPurpose, User, UserId, event::EventMetadata, token::TokenBinding,
        user::NewUser,
    },
};

/// The ports which every backend has.
#[derive(Clone)]
pub(crate) struct Ports {
    pub(crate) users: Arc<dyn UserRepository>,
    pub(crate) sessions: Arc<dyn SessionRepository>,
    pub(crate) api_keys: Arc<dyn ApiKeys>,
    pub(crate) requests: Arc<dyn AnonymousRequests>,
    pub(crate) invitations: Arc<dyn Invitations>,
    pub(crate) tokens: Arc<dyn OneTimeTokens>,
    pub(crate) attempts: Arc<dyn Attempts>,
    pub(crate) leases: Arc<dyn Leases>,
    pub(crate) mailboxes: Arc<dyn Mailboxes>,
    pub(crate) cache: Arc<dyn SharedCache>,
    pub(crate) keys: Arc<dyn SigningKeys>,
    pub(crate) secrets: Arc<dyn Secrets>,
    pub(crate) audit: Arc<dyn AuditLog>,
    pub(crate) feed: Arc<dyn UserFeed>,
    pub(crate) snapshots: Arc<dyn Snapshots>,
    pub(crate) services: Arc<dyn ServiceRegistry>,
    pub(crate) instances: Arc<dyn ServiceInstances>,
    pub(crate) deliveries: Arc<dyn DeliveryLog>,
    pub(crate) env: Env,
    /// Moves the clock of `env` forward.
    pub(crate) advance: Arc<dyn Fn(Duration) + Send + Sync>,
}

impl Ports {
    pub(crate) fn now(&self) -> Timestamp {
        self.env.clock.now()
    }

    pub(crate) fn bytes<const N: usize>(&self) -> [u8; N] {
        self.env.random.bytes().unwrap()
    }

    pub(crate) fn user_id(&self) -> UserId {
        UserId::new(self.now(), self.bytes())
    }

    /// The metadata of a command somebody gives now.
    pub(crate) fn metadata(&self) -> EventMetadata {
        let origin = Origin {
            actor: Actor::Anonymous,
            client_ip: Some(Ipv4Addr::new(192, 0, 2, 7).into()),
            user_agent: Some("contract".to_owned()),
            request_id: "request-1".to_owned(),
            traceparent: None,
        };
        self.env.metadata(origin).unwrap()
    }

    /// A new user with this address and these roles.
    pub(crate) async fn created(&self, address: &str, roles: &[Role]) -> User {
        let change = self.creation_of(self.user_id(), address, roles);
        self.users.commit(&change).await.unwrap()
    }

    /// Principal has this address.
    pub(crate) async fn owner(&self, address: &str) -> Option<UserId> {
        let key = LoginKey::Email(email(address));
        let login = self.users.find_login(&key).await.unwrap();
        login.map(|login| login.user_id)
    }

    /// The password of the login with this address.
    pub(crate) async fn password(&self, address: &str) -> PasswordHash {
        let key = LoginKey::Email(email(address));
        let login = self.users.find_login(&key).await.unwrap();
        login.and_then(|login| login.password).unwrap()
    }

    /// The creation of a user with this address.
    pub(crate) fn creation(&self, email: &str) -> Change {
        self.creation_of(self.user_id(), email, &[])
    }

    /// The creation of the user `id` with this address and these roles.
    pub(crate) fn creation_of(&self, id: UserId, email: &str, roles: &[Role]) -> Change {
        creation_on(&self.metadata(), id, email, roles)
    }
}

/// The creation of the user `id`, who has proven this address, with these roles, on `metadata`.
pub(crate) fn creation_on(
    metadata: &EventMetadata,
    id: UserId,
    email: &str,
    roles: &[Role],
) -> Change {
    let new = NewUser {
        id,
        email: email.parse().unwrap(),
        name: "Ann Example".parse().unwrap(),
        password: PasswordHash::from_phc("$argon2id$of-ann"),
        roles: roles.iter().cloned().collect(),
    };
    User::create_proven(new, metadata)
}

/// The least time that passes.
pub(crate) const INSTANT: Duration = Duration::from_micros(1);

/// An address.
pub(crate) fn email(raw: &str) -> Email {
    raw.parse().unwrap()
}

/// The refusal that a call ended with.
pub(crate) fn refusal<T: std::fmt::Debug>(result: Result<T>) -> Refusal {
    match result {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("no refusal: {other:?}"),
    }
}

/// A clock that moves only when told.
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    /// A clock at a time with few zeros in it.
    pub(crate) fn new() -> Self {
        Self(AtomicI64::new(1_795_537_953_120_400))
    }

    pub(crate) fn advance(&self, span: Duration) {
        let micros = i64::try_from(span.as_micros()).unwrap();
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// The system's randomness.
pub(crate) struct SystemEntropy;

impl SecureRandom for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        aws_lc_rs::rand::fill(bytes).map_err(shared::domain::Error::internal)
    }
}

/// What a token of `user` for `purpose` is bound to.
pub(crate) fn bound(user: &User, purpose: TokenPurpose) -> TokenBinding {
    TokenBinding::of(user, purpose).unwrap()
}
