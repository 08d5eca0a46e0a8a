//! What the aggregate's methods do not ask for yet, and how users stand in the table.

#[path = "../../../../tests/contract/tables.rs"]
#[allow(dead_code, reason = "the contract suite uses the rest")]
mod tables;

use std::sync::Arc;

use aws_sdk_dynamodb::{Client, types::AttributeValue};

use self::tables::Tables;
use super::{
    super::{Entity, Item, Key},
    *,
};
use crate::{
    domain::{
        Error, Origin, PasswordHash, Result, Role, Timestamp,
        change::{AdminChange, Occasion},
        login::LoginChange,
        user::NewUser,
    },
    ports::{Clock, Entropy},
};

struct Stage {
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

impl Entropy for Frozen {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        aws_lc_rs::rand::fill(bytes).map_err(Error::internal)
    }
}

impl Stage {
    async fn new() -> Self {
        let client = tables::client(&tables::embedded().await);
        let tables = Tables::create(client.clone(), String::new()).await;
        let name = tables.name("UsersTable");
        let circumstances = Circumstances {
            clock: Arc::new(Frozen),
            entropy: Arc::new(Frozen),
        };
        Self {
            users: Users::new(Table::new(client.clone(), name.clone()), circumstances),
            client,
            name,
        }
    }

    fn occasion(&self) -> Occasion {
        let origin = Origin::system("request-1");
        self.users.circumstances.occasion(origin).unwrap()
    }

    fn creation(&self, id: UserId, address: &str, roles: &[Role]) -> Change {
        let new = NewUser {
            id,
            email: address.parse().unwrap(),
            name: "Ann".parse().unwrap(),
            password: PasswordHash::from_phc("$first"),
            roles: roles.iter().cloned().collect(),
        };
        User::create(new, &self.occasion())
    }

    async fn created(&self, address: &str, roles: &[Role]) -> User {
        let id = UserId::new(Frozen.now(), (&Frozen as &dyn Entropy).bytes().unwrap());
        let change = self.creation(id, address, roles);
        self.users.commit(&change).await.unwrap()
    }

    /// The next change of `user`: the aggregate has no methods for these yet.
    fn change(&self, user: &User, admins: AdminChange, logins: Vec<LoginChange>) -> Change {
        let mut change = self.creation(user.id, user.email.as_str(), &[]);
        change.user = User {
            version: user.version.next(),
            ..user.clone()
        };
        change.expected = Some(user.version);
        change.admins = admins;
        change.logins = logins;
        change
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

fn refusal<T: std::fmt::Debug>(result: Result<T>) -> Refusal {
    match result {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("no refusal: {other:?}"),
    }
}

#[tokio::test]
async fn each_version_follows_the_one_before() {
    let stage = Stage::new().await;
    let first = stage.created("ann@example.com", &[]).await;
    let change = stage.change(&first, AdminChange::None, vec![]);

    let second = stage.users.commit(&change).await.unwrap();

    assert_eq!(second.version, first.version.next());
    assert!(second.updated_at > first.updated_at);
    assert_eq!(second.created_at, first.created_at);
    assert_eq!(
        stage.users.find(first.id).await.unwrap().as_ref(),
        Some(&second)
    );
    let entry = stage.users.history_entry(first.id, second.version).await;
    let entry = entry.unwrap().unwrap();
    assert!(entry.is_intact());
    assert_eq!((entry.previous, entry.hash), (first.chain, second.chain));
    assert_eq!(stage.users.commit(&change).await.unwrap(), second);
}

#[tokio::test]
async fn a_change_of_an_old_version_is_refused() {
    let stage = Stage::new().await;
    let first = stage.created("ann@example.com", &[]).await;
    let change = stage.change(&first, AdminChange::None, vec![]);
    let second = stage.users.commit(&change).await.unwrap();
    let change = stage.change(&second, AdminChange::None, vec![]);
    let third = stage.users.commit(&change).await.unwrap();

    for before in [&first, &second] {
        let late = stage.change(before, AdminChange::None, vec![]);
        assert_eq!(
            refusal(stage.users.commit(&late).await),
            Refusal::VersionConflict
        );
    }
    // A version that is yet to come.
    let mut early = third.clone();
    early.version = third.version.next();
    let early = stage.change(&early, AdminChange::None, vec![]);
    assert_eq!(
        refusal(stage.users.commit(&early).await),
        Refusal::VersionConflict
    );
    assert_eq!(stage.users.find(first.id).await.unwrap(), Some(third));
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let stage = Stage::new().await;
    let ann = stage.created("ann@example.com", &[Role::admin()]).await;
    let bob = stage.created("bob@example.com", &[Role::admin()]).await;

    let leaves = stage.change(&bob, AdminChange::Lost, vec![]);
    stage.users.commit(&leaves).await.unwrap();
    // A replay counts once.
    stage.users.commit(&leaves).await.unwrap();

    let leaves = stage.change(&ann, AdminChange::Lost, vec![]);
    assert_eq!(
        refusal(stage.users.commit(&leaves).await),
        Refusal::LastAdministrator
    );
    assert_eq!(stage.users.find(ann.id).await.unwrap(), Some(ann));
    let count = stage.item(items::administrators()).await;
    assert_eq!(count["count"], AttributeValue::N("1".to_owned()));
}

#[tokio::test]
async fn logins_change_together_with_the_user() {
    let stage = Stage::new().await;
    let ann = stage.created("ann@example.com", &[]).await;
    let password = LoginChange::SetPassword(key("ann@example.com"), PasswordHash::from_phc("$new"));
    let change = stage.change(&ann, AdminChange::None, vec![password]);
    let ann = stage.users.commit(&change).await.unwrap();
    let login = stage.login("ann@example.com").await.unwrap();
    assert_eq!(login.password.unwrap().expose(), "$new");

    let moves = vec![
        LoginChange::Claim(key("ann@example.org"), Some(PasswordHash::from_phc("$new"))),
        LoginChange::Release(key("ann@example.com")),
    ];
    let change = stage.change(&ann, AdminChange::None, moves);
    stage.users.commit(&change).await.unwrap();

    assert!(stage.login("ann@example.com").await.is_none());
    assert_eq!(
        stage.login("ann@example.org").await.unwrap().user_id,
        ann.id
    );
    stage.created("ann@example.com", &[]).await;
}

#[tokio::test]
async fn a_taken_address_stops_the_whole_change() {
    let stage = Stage::new().await;
    let ann = stage.created("ann@example.com", &[]).await;
    stage.created("bob@example.com", &[]).await;
    let moves = vec![
        LoginChange::Release(key("ann@example.com")),
        LoginChange::Claim(key("bob@example.com"), None),
    ];
    let change = stage.change(&ann, AdminChange::None, moves);

    assert_eq!(
        refusal(stage.users.commit(&change).await),
        Refusal::EmailTaken
    );

    assert_eq!(stage.users.find(ann.id).await.unwrap().as_ref(), Some(&ann));
    assert_eq!(
        stage.login("ann@example.com").await.unwrap().user_id,
        ann.id
    );
}

#[tokio::test]
async fn nobody_changes_the_login_of_another() {
    let stage = Stage::new().await;
    let ann = stage.created("ann@example.com", &[]).await;
    let bob = stage.created("bob@example.com", &[]).await;
    for theft in [
        LoginChange::SetPassword(key("bob@example.com"), PasswordHash::from_phc("$mine")),
        LoginChange::Release(key("bob@example.com")),
        LoginChange::SetPassword(key("eve@example.com"), PasswordHash::from_phc("$mine")),
    ] {
        let change = stage.change(&ann, AdminChange::None, vec![theft]);
        assert!(stage.users.commit(&change).await.unwrap_err().is_internal());
    }
    let login = stage.login("bob@example.com").await.unwrap();
    assert_eq!(
        (login.user_id, login.password.unwrap().expose()),
        (bob.id, "$first")
    );
    assert!(stage.login("eve@example.com").await.is_none());
}

#[tokio::test]
async fn items_have_the_shapes_of_the_data_model() {
    let stage = Stage::new().await;
    let user = stage
        .created("ann@example.com", &["support".parse().unwrap()])
        .await;
    let text = |text: &str| AttributeValue::S(text.to_owned());

    let item = stage.item(UserItem::key(&user.id)).await;
    assert_eq!(item["pk"], text(&format!("USER#{}", user.id)));
    assert_eq!(item["sk"], text("USER"));
    assert_eq!(item["version"], AttributeValue::N("1".to_owned()));
    assert_eq!(item["updatedAt"], text("2026-11-24T16:32:33.120400Z"));
    assert_eq!(item["roles"], AttributeValue::L(vec![text("support")]));
    let feeds: Vec<_> = (0..super::super::feed::SHARDS)
        .map(|shard| text(&super::super::feed::partition(shard)))
        .collect();
    assert!(feeds.contains(&item["feed"]));

    let event = stage
        .item(HistoryEntry::key(&(user.id, user.version)))
        .await;
    assert_eq!(event["sk"], text("EVENT#000000000001"));
    assert_eq!(event["event"].as_m().unwrap()["type"], text("UserCreated"));

    let login = stage.item(LoginItem::key(&key("ann@example.com"))).await;
    assert_eq!(login["pk"], text("LOGIN#email#ann@example.com"));
    assert_eq!(login["passwordHash"], text("$first"));
    for item in [item, event] {
        assert!(!format!("{item:?}").contains("$first"));
        assert!(!item.contains_key("passwordHash"));
    }
}
