//! The relay over streams as they are: what is written reaches the bus, whatever becomes of shards.

mod engines;
mod poller;

use std::sync::Arc;

use lambda::relay::relay_batch;
use publish_events::publish_events::PublishEvents;
use serde_json::{Value, json};
use shared::domain::{
    DomainEvent, EventId, Service, Session, SessionId, User, UserId,
    audit::Trace,
    event::EndReason,
    service::{EventFilter, SecretSalt},
};
use testing::FakeBackend;
use tokio::sync::RwLock;

use self::poller::{Database, Poller};
use crate::{
    backend::{self, prefix},
    ports::Ports,
    tables::{self, Tables},
};

/// Makes functions of this module tests against both databases.
macro_rules! streams {
    ($($test:ident),+ $(,)?) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::Stand::embedded().await).await;
            })+
        }
        mod dynamodb_local {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[ignore = "needs ROSTER_DYNAMODB_LOCAL_URL"]
            async fn $test() {
                let _undisturbed = super::STREAMS.read().await;
                super::$test(super::Stand::dynamodb_local().await).await;
            })+
        }
    };
}

streams!(
    every_event_goes_out_once_and_in_order,
    the_stream_comes_back_with_what_was_not_published,
);

/// Whoever lets time pass does so for all streams of the database.
static STREAMS: RwLock<()> = RwLock::const_new(());

/// A database, Roster's ports over it, and the relay.
struct Stand {
    ports: Ports,
    pollers: Vec<Poller>,
    bus: Arc<FakeBackend>,
    relay: PublishEvents,
}

impl Stand {
    async fn embedded() -> Self {
        Self::over(&tables::embedded().await, String::new()).await
    }

    async fn dynamodb_local() -> Self {
        let url = std::env::var("ROSTER_DYNAMODB_LOCAL_URL").unwrap();
        Self::over(&url, prefix()).await
    }

    async fn over(url: &str, prefix: String) -> Self {
        let client = tables::client(url);
        let tables = Tables::with_streams(client.clone(), prefix).await;
        let database = Database::at(url);
        let mut pollers = Vec::new();
        for table in ["UsersTable", "SessionsTable", "ServicesTable"] {
            pollers.push(Poller::open(&database, &tables.name(table)).await);
        }
        let bus = FakeBackend::new();
        Self {
            ports: backend::over(&client, &tables),
            pollers,
            relay: PublishEvents {
                bus: bus.clone(),
                env: bus.env(),
            },
            bus,
        }
    }

    /// Polls every stream once, to its end or the first failure. Gives how many records were reported.
    async fn poll(&mut self, batch: usize) -> usize {
        let mut reported = 0;
        for poller in &mut self.pollers {
            let (users, relay) = (&self.ports.users, &self.relay);
            let handle = async |records: Vec<Value>| {
                let records = serde_json::from_value(json!(records)).unwrap();
                let publish = async |events: Vec<DomainEvent>| relay.execute(&events).await;
                let relayed = relay_batch(&**users, records, publish).await;
                let mut failures = relayed.response.batch_item_failures.into_iter();
                let failed = failures.find_map(|failure| failure.item_identifier);
                reported += usize::from(failed.is_some());
                failed
            };
            poller.poll(batch, handle).await;
        }
        reported
    }

    /// The ids that the bus got, each where it came first.
    fn published(&self) -> Vec<EventId> {
        let mut ids = Vec::new();
        for event in self.bus.published() {
            if !ids.contains(&event.id) {
                ids.push(event.id);
            }
        }
        ids
    }

    /// Every one of these was published, in this order for each item, and nothing else.
    fn assert_published(&self, items: &[Vec<EventId>]) {
        let published = self.published();
        for item in items {
            let mut of_item = published.clone();
            of_item.retain(|id| item.contains(id));
            assert_eq!(&of_item, item);
        }
        let wanted: usize = items.iter().map(Vec::len).sum();
        assert_eq!(published.len(), wanted, "{:?}", self.bus.published());
    }

    async fn renamed(&self, mut user: User, times: usize) -> User {
        for _ in 0..times {
            let name = format!("Ann {}", user.version.get()).parse().unwrap();
            let change = user.rename(name, &self.ports.metadata()).unwrap();
            user = self.ports.users.commit(&change).await.unwrap();
        }
        user
    }

    async fn history(&self, user: UserId) -> Vec<EventId> {
        let entries = self.ports.users.history(user, None, usize::MAX).await;
        let ids = entries.unwrap().into_iter().map(|entry| entry.event.id);
        ids.collect()
    }

    /// What happens in a service, and the ids of the events by the items they stand in.
    async fn happenings(&self) -> Vec<Vec<EventId>> {
        let ports = &self.ports;
        let ann = ports.created("ann@example.com", &[]).await;
        let bob = ports.created("bob@example.com", &[]).await;
        let session = self.session(&ann).await;
        let ann = self.renamed(ann, 5).await;
        let bob = ports.users.commit(&bob.erase(&ports.metadata())).await;
        let service = self.service().await;
        let (ann, bob) = (ann.id, bob.unwrap().id);
        vec![
            self.history(ann).await,
            self.history(bob).await,
            session,
            service,
        ]
    }

    /// A session starts, is used and ends: one item, two events.
    async fn session(&self, user: &User) -> Vec<EventId> {
        let ports = &self.ports;
        let id = SessionId::new(ports.now(), ports.bytes());
        let nonce = ports.env.random.token().unwrap();
        let (session, started) = Session::start(id, nonce, user, "pwd", false, &ports.metadata());
        ports.sessions.start(&session, &started).await.unwrap();
        let reason = EndReason::SignedOut;
        let ended = Session::ended(user.id, session.id, reason, &ports.metadata());
        let trace = Trace::default();
        let end = ports.sessions.end(user.id, id, &ended, &trace).await;
        assert!(end.unwrap());
        vec![started.id, ended.id]
    }

    /// A service is registered and changed: one item, two events.
    async fn service(&self) -> Vec<EventId> {
        let metadata = self.ports.metadata();
        let salt = SecretSalt::new(self.ports.bytes());
        let filter = EventFilter::everything();
        let (service, registered) =
            Service::register("a".parse().unwrap(), filter, salt, &metadata);
        let services = &self.ports.services;
        assert!(services.write(&service, &registered).await.unwrap());
        let salt = SecretSalt::new(self.ports.bytes());
        let (service, changed) = service.rotate_secret(salt, &self.ports.metadata());
        assert!(services.write(&service, &changed).await.unwrap());
        vec![registered.id, changed.id]
    }
}

async fn every_event_goes_out_once_and_in_order(mut stand: Stand) {
    let items = stand.happenings().await;
    // Three records at once, so that a shard takes several reads.
    assert_eq!(stand.poll(3).await, 0);
    stand.assert_published(&items);
    assert_eq!(stand.bus.published().len(), stand.published().len());
    // Nothing comes again, and what comes later does.
    let cid = stand.ports.created("cid@example.com", &[]).await;
    assert_eq!(stand.poll(100).await, 0);
    let later = stand.history(cid.id).await;
    stand.assert_published(&[items, vec![later]].concat());
    assert_eq!(stand.bus.published().len(), stand.published().len());
}

async fn the_stream_comes_back_with_what_was_not_published(mut stand: Stand) {
    let items = stand.happenings().await;
    // Each offer of an event by the relay is refused a few times, so that batches break within.
    stand.bus.refuse_events(30);
    let mut reported = 0;
    loop {
        let failed = stand.poll(4).await;
        reported += failed;
        if failed == 0 {
            break;
        }
    }
    assert!(reported > 0, "nothing was refused for long enough");
    // Some of a batch that is refused by half come before their time: the bus has no order either.
    let mut published = stand.published();
    published.sort();
    let mut wanted = items.concat();
    wanted.sort();
    assert_eq!(published, wanted);
}

/// What only DynamoDB Local has, and AWS: the embedded database has one shard for ever, and trims nothing.
mod over_time {
    use super::*;

    async fn alone() -> (tokio::sync::RwLockWriteGuard<'static, ()>, Stand) {
        let guard = STREAMS.write().await;
        (guard, Stand::dynamodb_local().await)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "needs ROSTER_DYNAMODB_LOCAL_URL"]
    async fn the_order_stays_when_shards_end() {
        let (_alone, mut stand) = alone().await;
        let mut ann = stand.ports.created("ann@example.com", &[]).await;
        // The relay is in the first shard when it ends.
        assert_eq!(stand.poll(2).await, 0);
        for _ in 0..3 {
            ann = stand.renamed(ann, 3).await;
            poller::pass("rollover").await;
        }
        let ann = stand.renamed(ann, 1).await;
        let shards = stand.pollers[0].shards().await;
        assert!(shards.len() > 3, "{shards:?}");
        let children = shards.iter().filter(|shard| shard.parent.is_some());
        assert_eq!(children.count(), shards.len() - 1);
        assert_eq!(stand.poll(2).await, 0);
        stand.assert_published(&[stand.history(ann.id).await]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "needs ROSTER_DYNAMODB_LOCAL_URL"]
    async fn what_is_trimmed_is_in_the_history() {
        let (_alone, mut stand) = alone().await;
        let ann = stand.ports.created("ann@example.com", &[]).await;
        assert_eq!(stand.poll(100).await, 0);
        // The relay is away for a day, and its place in the stream is gone.
        let ann = stand.renamed(ann, 2).await;
        poller::pass("day").await;
        let ann = stand.renamed(ann, 1).await;
        assert_eq!(stand.poll(100).await, 0);
        // What it never saw is what `cargo roster replay` finds.
        let history = stand.history(ann.id).await;
        assert_eq!(history.len(), 4);
        assert_eq!(stand.published(), [history[0], history[3]]);
    }
}
