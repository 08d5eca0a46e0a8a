//! The directory over a real `DynamoDB` endpoint (dynoxide, in this process).

#![expect(clippy::unwrap_used, reason = "helpers of tests unwrap as tests do")]

mod log;
mod stand;

use aws_sdk_dynamodb::types::AttributeValue;
use shared::{
    directory::{ports::UserDirectory as _, query::UserQuery},
    domain::Timestamp,
};

use self::{
    log::Log,
    stand::{Item, START, Stand, TABLE},
};

#[tokio::test]
async fn a_new_directory_reads_all_shards_and_all_pages() {
    let stand = Stand::new().await;
    // More than DynamoDB puts on one page: 1 MB.
    let long = "\u{1f600}".repeat(100);
    let text = dynoxide::AttributeValue::S;
    let items = (0..12_000).map(|id| {
        let item = Item::new(id, 1, &long, START - 20_000 + i64::try_from(id).unwrap());
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
    let page = stand.list().await;
    assert_eq!((page.total, page.users.len()), (12_000, 100));
}

#[tokio::test]
async fn a_user_comes_back_as_it_was_written() {
    let stand = Stand::new().await;
    let item = Item::new(7, 3, "Zoë O'Hara", START - 5);
    let id = item.id();
    stand.put(item).await;
    let page = stand.list().await;
    let [user] = page.users.as_slice() else {
        panic!("{page:?}")
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
async fn a_stored_name_that_is_refused_today_is_listed() {
    let stand = Stand::new().await;
    stand.put(Item::new(1, 1, "a\u{202e}b", START)).await;
    stand.put(Item::new(2, 1, "", START)).await;
    assert_eq!(stand.names().await, ["", "a\u{202e}b"]);
}

#[tokio::test]
async fn an_item_that_cannot_be_read_is_left_out_and_reported_and_hides_no_other() {
    let log = Log::default();
    let _guard = log.record();
    let stand = Stand::new().await;
    stand.put(Item::new(1, 1, "Ann", START)).await;
    let text = |text: &str| AttributeValue::S(text.to_owned());
    for (id, (name, value)) in (2..).zip([
        ("active", text("yes")),
        ("createdAt", text("yesterday")),
        ("version", AttributeValue::N("-1".to_owned())),
        ("email", AttributeValue::Null(true)),
        ("pk", text("USER#nobody")),
        ("deleted", AttributeValue::Bool(true)),
    ]) {
        let poison = Item::new(id, 1, "Eve", START);
        stand.put_with(poison, name, value).await;
    }
    stand.put(Item::new(8, 1, "Zoe", START)).await;
    assert_eq!(stand.names().await, ["Ann", "Zoe"]);
    assert_eq!(log.metrics(), ["UnreadableRow"; 5]);
    // Once it can be read, it is there.
    stand.put(Item::new(2, 2, "Bob", START)).await;
    assert_eq!(stand.names().await, ["Ann", "Bob", "Zoe"]);
}

#[tokio::test]
async fn queries_at_the_same_time_get_the_same_answer() {
    let stand = Stand::new().await;
    for id in 0..20 {
        stand.put(Item::new(id, 1, "Ann", START)).await;
    }
    let query = UserQuery::default();
    let answers = futures::future::join_all((0..4).map(|_| stand.directory.list(&query))).await;
    for answer in answers {
        assert_eq!(answer.unwrap().total, 20);
    }
}
