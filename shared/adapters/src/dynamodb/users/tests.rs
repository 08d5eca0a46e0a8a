//! What the aggregate's methods do not ask for yet, and how users stand in the table.

use std::sync::Arc;

use application::ports::{Clock, SecureRandom};
use aws_sdk_dynamodb::{Client, types::AttributeValue};
use domain::{
    Error, Origin, PasswordHash, Result, Role, Timestamp, event::EventMetadata, login::LoginChange,
    user::NewUser,
};

use super::{
    super::{
        Entity, Item, Key,
        tables::{self, Tables},
    },
    *,
};

struct Fixture {
    users: Users,
    client: Client,
    name: String,
}

struct Frozen;

impl Clock for Frozen {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_795_537_953_120_400)
    }
}

impl SecureRandom for Frozen {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        aws_lc_rs::rand::fill(bytes).map_err(Error::internal)
    }
}

impl Fixture {
    async fn new() -> Self {
        let client = tables::client(&tables::embedded().await);
        let tables = Tables::create(client.clone(), String::new()).await;
        let name = tables.name("UsersTable");
        let env = Env {
            clock: Arc::new(Frozen),
            random: Arc::new(Frozen),
        };
        Self {
            users: Users::new(
                Table::new(client.clone(), name.clone()),
                Table::new(client.clone(), tables.name("SessionsTable")),
                env,
            ),
            client,
            name,
        }
    }

    fn metadata(&self) -> EventMetadata {
        let origin = Origin::system("request-1");
        self.users.env.metadata(origin).unwrap()
    }

    fn creation(&self, id: UserId, address: &str, roles: &[Role]) -> Change {
        let new = NewUser {
            id,
            email: address.parse().unwrap(),
            name: "Ann".parse().unwrap(),
            password: PasswordHash::from_phc("$first"),
            roles: roles.iter().cloned().collect(),
        };
        User::create(new, &self.metadata())
    }

    async fn created(&self, address: &str, roles: &[Role]) -> User {
        let id = UserId::new(
            Frozen.now(),
            (&Frozen as &dyn SecureRandom).bytes().unwrap(),
        );
        let change = self.creation(id, address, roles);
        self.users.commit(&change).await.unwrap()
    }

    async fn login(&self, address: &str) -> Option<Login> {
        let key = LoginKey::Email(address.parse().unwrap());
        self.users.find_login(&key).await.unwrap()
    }

    async fn item(&self, key: Key) -> Item {
        let got = self.client.get_item().table_name(&self.name);
        let got = got.set_key(Some(key.into_item())).send().await.unwrap();
        got.item.unwrap()
    }
}

fn key(address: &str) -> LoginKey {
    LoginKey::Email(address.parse().unwrap())
}

#[tokio::test]
async fn administrators_are_counted() {
    let fixture = Fixture::new().await;
    let ann = fixture.created("ann@example.com", &[Role::admin()]).await;
    let bob = fixture.created("bob@example.com", &[Role::admin()]).await;
    fixture.created("eve@example.com", &[]).await;
    let leaves = ann.deactivate(&fixture.metadata()).unwrap();
    for _ in 0..2 {
        fixture.users.commit(&leaves).await.unwrap();
    }
    let leaves = bob.deactivate(&fixture.metadata()).unwrap();
    fixture.users.commit(&leaves).await.unwrap_err();
    let count = fixture.item(items::administrators()).await;
    assert_eq!(count["count"], AttributeValue::N("1".to_owned()));
}

#[tokio::test]
async fn nobody_changes_the_login_of_another() {
    let fixture = Fixture::new().await;
    let ann = fixture.created("ann@example.com", &[]).await;
    let bob = fixture.created("bob@example.com", &[]).await;
    for theft in [
        LoginChange::SetPassword(key("bob@example.com"), PasswordHash::from_phc("$mine")),
        LoginChange::Release(key("bob@example.com")),
        LoginChange::SetPassword(key("eve@example.com"), PasswordHash::from_phc("$mine")),
    ] {
        let mut change = ann.change_password(PasswordHash::from_phc("$mine"), &fixture.metadata());
        change.logins = vec![theft];
        assert!(
            fixture
                .users
                .commit(&change)
                .await
                .unwrap_err()
                .is_internal()
        );
    }
    let login = fixture.login("bob@example.com").await.unwrap();
    assert_eq!(
        (login.user_id, login.password.unwrap().expose()),
        (bob.id, "$first")
    );
    assert!(fixture.login("eve@example.com").await.is_none());
}

#[tokio::test]
async fn items_have_the_shapes_of_the_data_model() {
    let fixture = Fixture::new().await;
    let user = fixture
        .created("ann@example.com", &["support".parse().unwrap()])
        .await;
    let text = |text: &str| AttributeValue::S(text.to_owned());

    let item = fixture.item(UserItem::key(&user.id)).await;
    assert_eq!(item["pk"], text(&format!("USER#{}", user.id)));
    assert_eq!(item["sk"], text("USER"));
    assert_eq!(item["version"], AttributeValue::N("1".to_owned()));
    assert_eq!(item["updatedAt"], text("2026-11-24T16:32:33.120400Z"));
    assert_eq!(item["roles"], AttributeValue::L(vec![text("support")]));
    let feeds: Vec<_> = (0..domain::id::SHARDS)
        .map(|shard| text(&feed_partition(shard)))
        .collect();
    assert!(feeds.contains(&item["feed"]));

    let event = fixture
        .item(HistoryEntry::key(&(user.id, user.version)))
        .await;
    assert_eq!(event["sk"], text("EVENT#000000000001"));
    assert_eq!(event["event"].as_m().unwrap()["type"], text("UserCreated"));

    let login = fixture.item(LoginItem::key(&key("ann@example.com"))).await;
    assert_eq!(login["pk"], text("LOGIN#email#ann@example.com"));
    assert_eq!(login["passwordHash"], text("$first"));

    let erased = fixture
        .users
        .commit(&user.erase(&fixture.metadata()))
        .await
        .unwrap();
    let tombstone = fixture.item(UserItem::key(&user.id)).await;
    let mut left: Vec<_> = tombstone.keys().map(String::as_str).collect();
    left.sort_unstable();
    assert_eq!(
        left,
        [
            "chain",
            "createdAt",
            "deleted",
            "feed",
            "id",
            "pk",
            "sk",
            "updatedAt",
            "version"
        ]
    );
    assert_eq!(tombstone["feed"], item["feed"]);
    assert_eq!(tombstone["updatedAt"], text(&erased.updated_at.to_string()));
    assert_eq!(tombstone["deleted"], AttributeValue::Bool(true));

    for item in [item, event] {
        assert!(!format!("{item:?}").contains("$first"));
        assert!(!item.contains_key("passwordHash"));
    }
}
