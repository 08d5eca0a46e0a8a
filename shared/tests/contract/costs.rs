//! DynamoDB only: how many requests each operation makes, which is what it costs; and what an
//! operation leaves in the items.

use aws_sdk_dynamodb::types::AttributeValue;
use shared::domain::{
    EventKind, OneTimeToken, PasswordHash, Session, SessionId, Timestamp, TokenPurpose, User,
    audit::{AuditEntry, AuditQuery},
};

use crate::{
    faults::{Fault, Faults},
    lost_replies::{Fixture, eager, fixture},
    ports::{Ports, bound},
};

/// A connection that loses nothing and counts.
fn counter() -> Faults {
    Faults::new("nothing", Fault::Request, 0)
}

/// How many requests `work` makes.
async fn requests<T>(counter: &Faults, work: impl Future<Output = T>) -> u32 {
    let before = counter.sent();
    work.await;
    counter.sent() - before
}

async fn start(ports: &Ports, user: &User) -> Session {
    let id = SessionId::new(ports.now(), ports.bytes());
    let (session, event) = Session::start(
        id,
        "nonce".to_owned(),
        user,
        "pwd",
        false,
        &ports.metadata(),
    );
    ports.sessions.start(&session, &event).await.unwrap();
    session
}

#[tokio::test]
async fn a_change_is_one_transaction_whatever_it_spends() {
    let counter = counter();
    let Fixture { ports, .. } = fixture(&counter, eager()).await;
    let ann = ports.created("ann@example.com", &[]).await;
    let token = OneTimeToken::new(TokenPurpose::PasswordReset, ann.id, ports.bytes());
    let issue = token.issue(&bound(&ann, token.purpose), ports.now());
    assert_eq!(
        requests(&counter, ports.tokens.issue(&issue, ports.now())).await,
        1
    );
    let reset = ann.reset_password(PasswordHash::from_phc("$new"), &ports.metadata());
    let reset = reset.spending(token.spend(&bound(&ann, token.purpose), ports.now()));
    assert_eq!(requests(&counter, ports.users.commit(&reset)).await, 1);
    // A refusal takes a look at the history: it may be a repetition.
    let late = ann.deactivate(&ports.metadata()).unwrap();
    assert_eq!(requests(&counter, ports.users.commit(&late)).await, 2);
}

#[tokio::test]
async fn a_history_is_one_query_and_forgetting_it_one_update_for_each_entry() {
    let counter = counter();
    let Fixture {
        ports,
        client,
        tables,
        ..
    } = fixture(&counter, eager()).await;
    let ann = ports.created("ann@example.com", &[]).await;
    let ann = ports.users.commit(&ann.erase(&ports.metadata())).await;
    let ann = ann.unwrap();
    let history = ports.users.history(ann.id, None, 100);
    assert_eq!(requests(&counter, history).await, 1);
    let forget = || ports.users.forget_private(ann.id);
    assert_eq!(requests(&counter, forget()).await, 3);
    assert_eq!(requests(&counter, forget()).await, 1);

    let items = client.query().table_name(tables.name("UsersTable"));
    let items = items
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S(format!("USER#{}", ann.id)));
    let items = items.send().await.unwrap().items.unwrap();
    assert_eq!(items.len(), 3);
    let left = format!("{items:?}").to_lowercase();
    for personal in ["example.com", "ann example", "192.0.2.7", "request-1"] {
        assert!(!left.contains(personal), "{personal} in {left}");
    }
}

#[tokio::test]
async fn sessions_are_one_query_one_update_and_batches() {
    let counter = counter();
    let Fixture {
        ports,
        client,
        tables,
        ..
    } = fixture(&counter, eager()).await;
    let ann = ports.created("ann@example.com", &[]).await;
    let session = start(&ports, &ann).await;
    assert_eq!(requests(&counter, ports.sessions.list(ann.id)).await, 1);

    let item = || {
        let key = |text: String| Some([AttributeValue::S(text)]);
        let get = client.get_item().table_name(tables.name("SessionsTable"));
        let [pk] = key(format!("USER#{}", ann.id)).unwrap();
        let [sk] = key(format!("SESSION#{}", session.id)).unwrap();
        get.key("pk", pk).key("sk", sk)
    };
    let before = item().send().await.unwrap().item.unwrap();
    assert!(before.contains_key("event"));
    let confirm = || ports.sessions.confirm(ann.id, session.id, 1);
    assert_eq!(requests(&counter, confirm()).await, 1);
    let mut after = item().send().await.unwrap().item.unwrap();
    // The write is no event, so the relay must find none.
    assert!(!after.contains_key("event"));
    for name in ["event", "authEpoch"] {
        after.insert(name.to_owned(), before[name].clone());
    }
    assert_eq!(after, before);

    for _ in 0..29 {
        start(&ports, &ann).await;
    }
    // One query, and batches of 25.
    let forget = || ports.sessions.forget(ann.id);
    assert_eq!(requests(&counter, forget()).await, 3);
    assert_eq!(requests(&counter, forget()).await, 1);
}

#[tokio::test]
async fn the_trail_is_one_query_for_a_user_and_one_for_each_day() {
    let counter = counter();
    let Fixture { ports, .. } = fixture(&counter, eager()).await;
    let ann = ports.created("ann@example.com", &[]).await;
    let entry = ports.users.history_entry(ann.id, ann.version).await;
    let entry = entry.unwrap().unwrap();
    let line = AuditEntry::of_version(&entry.event, entry.hash);
    assert_eq!(requests(&counter, ports.audit.record(&line)).await, 1);

    let days = |days: i64| AuditQuery {
        user_id: None,
        kind: None,
        from: Timestamp::from_micros(line.time.as_micros() - days * 86_400_000_000),
        to: line.time.plus(std::time::Duration::from_secs(1)),
        before: None,
        limit: 10,
    };
    for (span, expected) in [(0, 1), (1, 2), (7, 8), (31, 32), (400, 32)] {
        let query = days(span);
        let list = ports.audit.list(&query);
        assert_eq!(requests(&counter, list).await, expected, "{span} days");
        let query = AuditQuery {
            user_id: Some(ann.id),
            ..query
        };
        assert_eq!(requests(&counter, ports.audit.list(&query)).await, 1);
    }
    // However little is found: the place where the reading ended is where the next begins.
    let query = AuditQuery {
        kind: Some(EventKind::SignInLocked),
        ..days(400)
    };
    let page = ports.audit.list(&query).await.unwrap();
    assert_eq!(page.entries, []);
    assert!(
        page.next
            .is_some_and(|next| next < (line.time, line.event_id))
    );
}
