//! A table of users behind dynoxide's HTTP server, and a directory over it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use adapters::dynamodb::{Feed, Table};
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
    application::ports::Clock,
    directory::{
        ports::UserDirectory as _,
        query::{UserPage, UserQuery},
        service::Directory,
    },
    domain::{Timestamp, UserId},
};
use testing::FakeBackend;
use tokio::net::TcpListener;
use uuid::Uuid;

pub(crate) const TABLE: &str = "users";
pub(crate) const OVERLAP: Duration = Duration::from_secs(30);
pub(crate) const START: i64 = 1_767_225_600;

/// A clock that stands still until it is moved. Seconds.
pub(crate) struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.0.load(Ordering::SeqCst))
    }
}

pub(crate) struct Stand {
    client: Client,
    pub(crate) database: Database,
    clock: Arc<Hand>,
    pub(crate) directory: Directory,
}

/// A user as the repository writes it.
pub(crate) struct Item {
    id: u64,
    version: u64,
    name: String,
    updated_at: i64,
}

impl Item {
    pub(crate) fn new(id: u64, version: u64, name: &str, updated_at: i64) -> Self {
        Self {
            id,
            version,
            name: name.to_owned(),
            updated_at,
        }
    }

    pub(crate) fn id(&self) -> UserId {
        UserId::from(Uuid::from_u128(self.id.into()))
    }

    pub(crate) fn attributes(&self) -> Vec<(&'static str, AttributeValue)> {
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

    pub(crate) fn keys(&self) -> Vec<(&'static str, AttributeValue)> {
        let text = |text: String| AttributeValue::S(text);
        vec![
            ("pk", text(format!("USER#{}", self.id()))),
            ("sk", text("USER".to_owned())),
            ("feed", text(format!("FEED#{}", self.id % 4))),
            (
                "updatedAt",
                text(Timestamp::from_seconds(self.updated_at).to_string()),
            ),
            ("version", AttributeValue::N(self.version.to_string())),
        ]
    }
}

impl Stand {
    pub(crate) async fn new() -> Self {
        let database = Database::memory().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(dynoxide::server::serve_on(listener, database.clone()));
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .endpoint_url(endpoint)
            .http_client(adapters::https::client())
            .build();
        let client = Client::from_conf(config);
        create_table(&client).await;
        let clock = Arc::new(Hand(AtomicI64::new(START)));
        let feed = Arc::new(Feed::new(Table::new(client.clone(), TABLE)));
        Self {
            directory: Directory::new(feed, FakeBackend::new(), OVERLAP, clock.clone()),
            client,
            database,
            clock,
        }
    }

    pub(crate) async fn put(&self, item: Item) {
        self.put_attributes(item.keys().into_iter().chain(item.attributes()))
            .await;
    }

    /// [`Stand::put`] with another value of one attribute.
    pub(crate) async fn put_with(&self, item: Item, name: &'static str, value: AttributeValue) {
        let item = item.keys().into_iter().chain(item.attributes());
        self.put_attributes(item.chain([(name, value)])).await;
    }

    pub(crate) async fn erase(&self, item: Item) {
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

    pub(crate) fn advance(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) async fn list(&self) -> UserPage {
        self.directory
            .list(&UserQuery {
                limit: 100,
                ..UserQuery::default()
            })
            .await
            .unwrap()
    }

    pub(crate) async fn names(&self) -> Vec<String> {
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
