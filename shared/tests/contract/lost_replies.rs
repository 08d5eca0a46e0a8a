//! DynamoDB only: a write whose reply is lost is repeated, by the SDK or by us, and still happens
//! once and is told as it happened.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use adapters::dynamodb::{Table, Users};
use aws_sdk_dynamodb::{Client, config::retry::RetryConfig};
use secrecy::ExposeSecret;
use serde_json::json;
use shared::{
    application::ports::{
        Claimed, Clock, Env, LeaseKey, LeaseOptions, Purpose, SecretPurpose, UserRepository,
    },
    domain::{
        Error, Refusal, Session, SessionId, Timestamp,
        keys::{KeyPair, PublicKey},
        secrets::SecretRing,
    },
};

use crate::{
    backend,
    faults::{Fault, Faults},
    ports::Ports,
    tables::{self, Tables},
};

/// A database and two ways to it.
pub(crate) struct Fixture {
    pub(crate) tables: Tables,
    /// A client with faults.
    pub(crate) client: Client,
    /// The ports by way of it.
    pub(crate) ports: Ports,
    /// The ports by way of a client without.
    pub(crate) sound: Ports,
}

pub(crate) async fn fixture(faults: &Faults, retries: RetryConfig) -> Fixture {
    let url = tables::embedded().await;
    let sound = tables::client(&url);
    let tables = Tables::create(sound.clone(), String::new()).await;
    let config = tables::config(&url)
        .retry_config(retries)
        .interceptor(faults.clone());
    let client = Client::from_conf(config.build());
    Fixture {
        ports: backend::over(&client, &tables),
        sound: backend::over(&sound, &tables),
        tables,
        client,
    }
}

/// The SDK repeats at once, twice at most.
pub(crate) fn eager() -> RetryConfig {
    RetryConfig::standard().with_initial_backoff(Duration::from_millis(1))
}

#[tokio::test]
async fn a_user_is_written_once_though_the_sdk_repeats_the_write() {
    let faults = Faults::new("TransactWriteItems", Fault::Reply, 2);
    let Fixture { ports, sound, .. } = fixture(&faults, eager()).await;
    let user = ports
        .users
        .commit(&ports.creation("ann@example.com"))
        .await
        .unwrap();
    assert_eq!(sound.users.find(user.id).await.unwrap(), Some(user));
    // The repetitions were one request under one token: nothing had to be looked up.
    assert_eq!(faults.sent(), 3);
}

#[tokio::test]
async fn a_user_is_given_as_written_when_every_reply_is_lost() {
    let faults = Faults::new("TransactWriteItems", Fault::Reply, u32::MAX);
    let Fixture { ports, sound, .. } = fixture(&faults, RetryConfig::disabled()).await;
    let user = ports
        .users
        .commit(&ports.creation("ann@example.com"))
        .await
        .unwrap();
    assert_eq!(sound.users.find(user.id).await.unwrap(), Some(user));
    // The write, and the look at the history.
    assert_eq!(faults.sent(), 2);
}

#[tokio::test]
async fn a_lost_write_is_tried_again_with_the_time_of_the_try() {
    let faults = Faults::new("TransactWriteItems", Fault::Request, 4);
    let fixture = fixture(&faults, RetryConfig::disabled()).await;
    let begun = fixture.ports.now();
    let env = Env {
        clock: Arc::new(Ticking(begun.as_micros().into())),
        random: fixture.ports.env.random.clone(),
    };
    let table = |id| Table::new(fixture.client.clone(), fixture.tables.name(id));
    let users = Users::new(table("UsersTable"), table("SessionsTable"), env);

    let user = users
        .commit(&fixture.ports.creation("ann@example.com"))
        .await
        .unwrap();

    // The fifth look at the clock.
    assert_eq!(user.updated_at, begun.plus(Duration::from_secs(4)));
    assert_eq!(fixture.sound.users.find(user.id).await.unwrap(), Some(user));
}

/// A clock that goes on by a second whenever somebody looks.
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.fetch_add(1_000_000, Ordering::SeqCst))
    }
}

#[tokio::test]
async fn what_cannot_be_written_in_five_tries_is_unavailable() {
    let faults = Faults::new("TransactWriteItems", Fault::Request, 5);
    let Fixture { ports, sound, .. } = fixture(&faults, RetryConfig::disabled()).await;
    let change = ports.creation("ann@example.com");

    let refused = ports.users.commit(&change).await;

    assert!(matches!(
        refused,
        Err(Error::Refused(Refusal::Unavailable(_)))
    ));
    assert_eq!(sound.users.find(change.after.id).await.unwrap(), None);
    assert_eq!(faults.sent(), 10);
}

#[tokio::test]
async fn a_session_is_started_once() {
    let faults = Faults::new("PutItem", Fault::Reply, 1);
    let Fixture { ports, sound, .. } = fixture(&faults, eager()).await;
    let user = ports
        .users
        .commit(&ports.creation("ann@example.com"))
        .await
        .unwrap();
    let id = SessionId::new(ports.now(), ports.bytes());
    let (session, event) = Session::start(
        id,
        "nonce".to_owned(),
        &user,
        "pwd",
        false,
        &ports.metadata(),
    );

    ports.sessions.start(&session, &event).await.unwrap();

    let found = sound.sessions.find(user.id, id).await.unwrap();
    assert_eq!(found, Some(session));
}

/// Else its holder would find it running, and nobody would run.
#[tokio::test]
async fn a_claim_is_won_settled_and_witnessed_by_whoever_did_it() {
    let key = LeaseKey::new(Purpose::Mail, "key-1");
    let options = LeaseOptions {
        fingerprint: String::new(),
        reserved: json!(null),
        lease: Duration::from_secs(30),
        retention: Duration::from_hours(24),
    };
    for settle in [true, false] {
        let faults = Faults::new("UpdateItem", Fault::Reply, 1);
        let Fixture { ports, sound, .. } = fixture(&faults, eager()).await;
        let Claimed::Won(lease) = ports.leases.claim(&key, &options).await.unwrap() else {
            panic!("not won");
        };
        assert_eq!(lease.fence, 1);

        faults.strike(1);
        let done = if settle {
            ports.leases.settle(&lease, &json!("sent")).await
        } else {
            ports.leases.witness(&key, &json!("sent")).await
        };
        assert!(done.unwrap());

        let claimed = sound.leases.claim(&key, &options).await.unwrap();
        assert!(matches!(claimed, Claimed::Done(settled) if settled.result == json!("sent")));
    }
}

#[tokio::test]
async fn the_first_key_and_secret_are_known_to_who_made_them() {
    let faults = Faults::new("TransactWriteItems", Fault::Reply, u32::MAX);
    let Fixture { ports, .. } = fixture(&faults, RetryConfig::disabled()).await;
    let first = KeyPair {
        public: PublicKey {
            kid: "first".to_owned(),
            n: String::new(),
            e: String::new(),
            activates_at: ports.now(),
        },
        private: vec![1].into(),
    };
    let ring = ports.keys.bootstrap(&first).await.unwrap();
    assert_eq!(ring.keys, [first.public]);

    let faults = Faults::new("PutItem", Fault::Reply, 1);
    let Fixture { ports, .. } = fixture(&faults, eager()).await;
    let secret = ports
        .secrets
        .get_or_put(
            SecretPurpose::Refresh,
            SecretRing::first([1; 32], ports.now()),
        )
        .await;
    let secret = secret.unwrap();
    assert_eq!(secret.versions()[0].secret.expose_secret(), [1; 32]);
}
