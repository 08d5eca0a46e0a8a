//! The directory over a real `DynamoDB` endpoint (dynoxide, in this process).

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    types::{
        AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement,
        KeyType, Projection, ProjectionType, ScalarAttributeType,
    },
};
use dynoxide::Database;
use shared::{
    adapters::dynamodb::{Directory, feed::SHARDS},
    domain::{
        Timestamp, UserId,
        listing::{Listed, Listing},
    },
    ports::{Clock, UserDirectory as _},
};
use tokio::net::TcpListener;
use uuid::Uuid;

const TABLE: &str = "users";
const OVERLAP: Duration = Duration::from_secs(30);
const START: i64 = 1_767_225_600;

/// A clock that stands still until it is moved. Seconds.
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.0.load(Ordering::SeqCst))
    }
}

struct Stand {
    client: Client,
    database: Database,
    clock: Arc<Hand>,
    directory: Directory,
}

/// A user as the repository writes it.
struct Item {
    id: u64,
    version: u64,
    name: String,
    updated_at: i64,
}

impl Item {
    fn new(id: u64, version: u64, name: &str, updated_at: i64) -> Self {
        Self {
            id,
            version,
            name: name.to_owned(),
            updated_at,
        }
    }

    fn id(&self) -> UserId {
        UserId::from(Uuid::from_u128(self.id.into()))
    }

    fn attributes(&self) -> Vec<(&'static str, AttributeValue)> {
        let text = |text: String| AttributeValue::S(text);
        vec![
            ("email", text(format!("u{}@example.com", self.id))),
            ("emailVerified", AttributeValue::Bool(true)),
            ("name", text(self.name.clone())),
            ("roles", AttributeValue::L(vec![text("support".to_owned())])),
            ("active", AttributeValue::Bool(true)),
            (
                "createdAt",
                text(Timestamp::from_seconds(START).to_string()),
            ),
        ]
    }

    fn keys(&self) -> Vec<(&'static str, AttributeValue)> {
        let text = |text: String| AttributeValue::S(text);
        vec![
            ("pk", text(format!("USER#{}", self.id()))),
            ("sk", text("USER".to_owned())),
            ("feed", text(format!("FEED#{}", self.id % SHARDS as u64))),
            (
                "updatedAt",
                text(Timestamp::from_seconds(self.updated_at).to_string()),
            ),
            ("version", AttributeValue::N(self.version.to_string())),
        ]
    }
}

impl Stand {
    async fn new() -> Self {
        let database = Database::memory().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(dynoxide::server::serve_on(listener, database.clone()));
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .endpoint_url(endpoint)
            .build();
        let client = Client::from_conf(config);
        create_table(&client).await;
        let clock = Arc::new(Hand(AtomicI64::new(START)));
        Self {
            directory: Directory::new(client.clone(), TABLE.to_owned(), OVERLAP, clock.clone()),
            client,
            database,
            clock,
        }
    }

    async fn put(&self, item: Item) {
        self.put_attributes(item.keys().into_iter().chain(item.attributes()))
            .await;
    }

    async fn erase(&self, item: Item) {
        let deleted = ("deleted", AttributeValue::Bool(true));
        self.put_attributes(item.keys().into_iter().chain([deleted]))
            .await;
    }

    async fn put_attributes(&self, item: impl Iterator<Item = (&'static str, AttributeValue)>) {
        let mut put = self.client.put_item().table_name(TABLE);
        for (name, value) in item {
            put = put.item(name, value);
        }
        put.send().await.unwrap();
    }

    fn advance(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
    }

    async fn list(&self) -> Listed {
        self.directory
            .list(&Listing {
                limit: 100,
                ..Listing::default()
            })
            .await
            .unwrap()
    }

    async fn names(&self) -> Vec<String> {
        let users = self.list().await.users;
        let mut names: Vec<_> = users.iter().map(|user| user.name.to_string()).collect();
        names.sort_unstable();
        names
    }
}

async fn create_table(client: &Client) {
    let key = |name: &str, kind| {
        KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(kind)
            .build()
            .unwrap()
    };
    let shown = [
        "email",
        "emailVerified",
        "name",
        "roles",
        "active",
        "createdAt",
        "version",
        "deleted",
    ];
    let feed = GlobalSecondaryIndex::builder()
        .index_name("feed")
        .key_schema(key("feed", KeyType::Hash))
        .key_schema(key("updatedAt", KeyType::Range))
        .projection(
            Projection::builder()
                .projection_type(ProjectionType::Include)
                .set_non_key_attributes(Some(shown.map(str::to_owned).to_vec()))
                .build(),
        )
        .build()
        .unwrap();
    let mut create = client
        .create_table()
        .table_name(TABLE)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key("pk", KeyType::Hash))
        .key_schema(key("sk", KeyType::Range))
        .global_secondary_indexes(feed);
    for name in ["pk", "sk", "feed", "updatedAt"] {
        let definition = AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S)
            .build();
        create = create.attribute_definitions(definition.unwrap());
    }
    create.send().await.unwrap();
}

#[tokio::test]
async fn a_new_directory_reads_all_shards_and_all_pages() {
    let stand = Stand::new().await;
    // More than DynamoDB puts on one page: 1 MB.
    let long = "\u{1f600}".repeat(100);
    let text = dynoxide::AttributeValue::S;
    let items = (0..6_000).map(|id| {
        let item = Item::new(id, 1, &long, START - 10_000 + i64::try_from(id).unwrap());
        let owned = |(name, value): (&str, AttributeValue)| {
            let value = match value {
                AttributeValue::S(value) => text(value),
                AttributeValue::N(value) => dynoxide::AttributeValue::N(value),
                AttributeValue::Bool(value) => dynoxide::AttributeValue::BOOL(value),
                _ => dynoxide::AttributeValue::L(Vec::new()),
            };
            (name.to_owned(), value)
        };
        item.keys()
            .into_iter()
            .chain(item.attributes())
            .map(owned)
            .collect()
    });
    let options = dynoxide::ImportOptions::default();
    stand
        .database
        .import_items(TABLE, items.collect(), options)
        .unwrap();
    let listed = stand.list().await;
    assert_eq!((listed.total, listed.users.len()), (6_000, 100));
}

#[tokio::test]
async fn a_user_comes_back_as_it_was_written() {
    let stand = Stand::new().await;
    let item = Item::new(7, 3, "Zoë O'Hara", START - 5);
    let id = item.id();
    stand.put(item).await;
    let listed = stand.list().await;
    let [user] = listed.users.as_slice() else {
        panic!("{listed:?}")
    };
    assert_eq!(user.id, id);
    assert_eq!(user.email.as_str(), "u7@example.com");
    assert_eq!(user.name.as_str(), "Zoë O'Hara");
    assert_eq!(user.roles, ["support".parse().unwrap()].into());
    assert!(user.active && user.email_verified);
    assert_eq!(user.created_at, Timestamp::from_seconds(START));
    assert_eq!(user.updated_at, Timestamp::from_seconds(START - 5));
    assert_eq!(user.version.get(), 3);
}

#[tokio::test]
async fn each_answer_has_what_was_written_before() {
    let stand = Stand::new().await;
    assert!(stand.names().await.is_empty());
    stand.put(Item::new(1, 1, "Ann", START)).await;
    stand.put(Item::new(2, 1, "Bob", START)).await;
    assert_eq!(stand.names().await, ["Ann", "Bob"]);
    stand.advance(3_600);
    stand.put(Item::new(1, 2, "Anna", START + 3_600)).await;
    assert_eq!(stand.names().await, ["Anna", "Bob"]);
    stand.advance(3_600);
    stand.erase(Item::new(2, 2, "", START + 7_200)).await;
    assert_eq!(stand.names().await, ["Anna"]);
}

#[tokio::test]
async fn a_row_that_shows_up_late_or_from_a_slow_clock_is_seen() {
    let stand = Stand::new().await;
    stand.advance(100);
    stand.put(Item::new(1, 1, "Ann", START + 100)).await;
    assert_eq!(stand.names().await, ["Ann"]);
    // Of the same shard, stamped before what was read already.
    stand.put(Item::new(5, 1, "Eve", START + 71)).await;
    assert_eq!(stand.names().await, ["Ann", "Eve"]);
}

#[tokio::test]
async fn a_row_from_a_fast_clock_hides_no_other() {
    let stand = Stand::new().await;
    stand.put(Item::new(1, 1, "Ann", START + 86_400)).await;
    assert_eq!(stand.names().await, ["Ann"]);
    stand.advance(60);
    stand.put(Item::new(5, 1, "Eve", START + 60)).await;
    assert_eq!(stand.names().await, ["Ann", "Eve"]);
}

#[tokio::test]
async fn an_item_that_is_no_user_is_an_error_and_no_gap() {
    let stand = Stand::new().await;
    stand.put(Item::new(1, 1, "", START)).await;
    let answer = stand.directory.list(&Listing::default()).await;
    assert!(answer.is_err_and(|error| error.is_internal()));
    stand.put(Item::new(1, 2, "Ann", START)).await;
    assert_eq!(stand.names().await, ["Ann"]);
}

#[tokio::test]
async fn questions_at_the_same_time_get_the_same_answer() {
    let stand = Stand::new().await;
    for id in 0..20 {
        stand.put(Item::new(id, 1, "Ann", START)).await;
    }
    let listing = Listing::default();
    let answers = futures::future::join_all((0..4).map(|_| stand.directory.list(&listing))).await;
    for answer in answers {
        assert_eq!(answer.unwrap().total, 20);
    }
}
