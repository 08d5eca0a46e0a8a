//! Services that are told of events, and find each other.

use std::{collections::BTreeSet, env};

use local::{invoke::Invoker as _, journal::Happening};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    receiver::Receiver,
    support::{Answer, Roster, on_own_stack, on_shared_stack, patiently},
};

/// What happens to users.
fn users() -> Value {
    json!({"detail-type": [{"prefix": "User"}]})
}

async fn call(roster: &Roster, route: &str) -> Answer {
    roster.call_as_admin(route, &Value::Null).await
}

/// Removes a service, so that other tests do not tell it of theirs.
async fn remove(roster: &Roster, name: &str) {
    let removed = call(roster, &format!("DELETE /services/{name}")).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
}

#[test]
fn a_service_is_registered_changed_and_deregistered_and_the_trail_says_so() {
    on_shared_stack(async |roster| {
        let route = "PUT /services/orders";
        let made = roster
            .call_as_admin(route, &json!({"filter": users()}))
            .await;
        assert_eq!(made.status, StatusCode::CREATED);
        let secret = made.body["secret"].as_str().unwrap();
        let filter = json!({"detail-type": ["UserDeleted"]});
        let changed = roster
            .call_as_admin(route, &json!({"filter": filter}))
            .await;
        assert_eq!(
            (changed.status, &changed.body["filter"]),
            (StatusCode::OK, &filter)
        );
        let rotated = call(roster, "POST /services/orders/secret").await;
        assert_eq!(rotated.status, StatusCode::OK);
        assert_ne!(rotated.body["secret"], secret);

        let listed = roster.get_as_admin("/services").await.body;
        let shown = roster.get_as_admin("/services/orders").await;
        assert_eq!(
            (shown.status, &shown.body["instances"]),
            (StatusCode::OK, &json!([]))
        );
        assert!(listed.to_string().contains("orders"));
        for answer in [listed, shown.body] {
            assert!(!answer.to_string().contains("whsec_"), "{answer}");
        }
        remove(roster, "orders").await;
        for route in [
            "GET /services/orders",
            "DELETE /services/orders",
            "POST /services/orders/secret",
            "GET /services/orders/instance",
            "GET /services/orders/deliveries",
            "POST /services/orders/deliveries/redeliver",
            "PUT /services/No%20Name",
            "PUT /services/orders/instances/a",
            "DELETE /services/orders/instances/No%20Id",
        ] {
            let body = match route {
                "PUT /services/No%20Name" => json!({}),
                "PUT /services/orders/instances/a" => json!({"url": "https://a.example.com"}),
                _ => Value::Null,
            };
            let answer = roster.call_as_admin(route, &body).await;
            assert_eq!(answer.problem(), (404, "not-found"), "{route}");
        }

        roster.settle().await;
        let trail = roster.get_as_admin("/audit-events?limit=100").await.body;
        let lines = trail["data"].as_array().unwrap().iter();
        let own = lines.filter(|line| line["service"] == "orders");
        let kinds: Vec<_> = own.map(|line| line["type"].as_str().unwrap()).collect();
        let expected = [
            "ServiceDeregistered",
            "ServiceSecretRotated",
            "ServiceRegistered",
            "ServiceRegistered",
        ];
        assert_eq!(kinds, expected, "newest first");
    });
}

#[test]
fn a_service_registers_its_own_instances_and_finds_others() {
    on_shared_stack(async |roster| {
        roster
            .service("invoices", &json!({"detail-type": ["UserImported"]}))
            .await;
        let key = roster.api_key_for("service", "invoices").await;
        let put = async |service: &str, id: &str, url: &str| {
            let route = format!("PUT /services/{service}/instances/{id}");
            roster.call(&route, &key.token, &json!({"url": url})).await
        };
        let none = roster
            .call("GET /services/invoices/instance", &key.token, &Value::Null)
            .await;
        assert_eq!(none.problem(), (503, "no-healthy-instance"));
        let others = put("somebody-elses", "a", "https://a.example.com").await;
        assert_eq!(others.problem(), (403, "forbidden"));
        for number in 0..20 {
            let url = format!("https://i{number}.example.com");
            let answer = put("invoices", &format!("i{number}"), &url).await;
            assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        }
        let more = put("invoices", "more", "https://more.example.com").await;
        assert_eq!(more.problem(), (409, "too-many-instances"));
        for inward in [
            "https://169.254.169.254",
            "https://10.0.0.1",
            "https://[::1]",
        ] {
            let refused = put("invoices", "i0", inward).await;
            assert_eq!(refused.problem(), (422, "invalid"), "{inward}");
        }
        // Any service may look, also one without a name.
        let looker = roster.api_key_for("service", "").await;
        let mut found = BTreeSet::new();
        for _ in 0..20 {
            let answer = roster
                .call(
                    "GET /services/invoices/instance",
                    &looker.token,
                    &Value::Null,
                )
                .await;
            assert_eq!(answer.status, StatusCode::OK);
            found.insert(answer.body["id"].as_str().unwrap().to_owned());
        }
        assert!(found.len() > 3, "the work spreads: {found:?}");
        let route = "DELETE /services/invoices/instances/i1";
        for _ in 0..2 {
            let gone = roster.call(route, &key.token, &Value::Null).await;
            assert_eq!(gone.status, StatusCode::NO_CONTENT);
        }
        remove(roster, "invoices").await;
    });
}

/// From sign-up to the receiver, verified by the official library; both secrets while one rotates.
#[test]
fn an_event_is_delivered_and_signed_by_every_secret_that_counts() {
    on_shared_stack(async |roster| {
        let receiver = Receiver::answering(204).await;
        let secret = roster.service("signed", &users()).await;
        roster.instance("signed", "a", &receiver.url).await;
        let ann = roster.newcomer("delivered").await;
        let first = receiver.next_about(&ann.id).await;
        assert!(first.is_signed_by(&secret));
        let event = first.event();
        assert_eq!(
            (&event["type"], &event["version"]),
            (&json!("UserCreated"), &json!(1))
        );
        assert_eq!(event["id"], first.id());
        assert!(!event.to_string().contains(&ann.email), "thin");

        let rotated = call(roster, "POST /services/signed/secret").await;
        let newer = rotated.body["secret"].as_str().unwrap();
        let bob = roster.newcomer("delivered").await;
        let second = receiver.next_about(&bob.id).await;
        assert!(second.is_signed_by(&secret) && second.is_signed_by(newer));
        assert!(!first.is_signed_by(newer), "not what was signed before");

        // Once the worker has noted it.
        let id = first.id().to_owned();
        let is_noted = async || {
            let list = roster
                .get_as_admin("/services/signed/deliveries")
                .await
                .body;
            let mut data = list["data"].as_array().unwrap().iter();
            data.find(|delivery| delivery["eventId"] == *id).cloned()
        };
        let delivery = is_noted().await.unwrap();
        assert_eq!(delivery["state"], "delivered");
        assert_eq!(delivery["attempts"][0]["status"], 204);
        let page = roster
            .get_as_admin("/services/signed/deliveries?limit=1")
            .await;
        assert!(page.header("link").is_some());
        remove(roster, "signed").await;
    });
}

/// A receiver that fails gets the event later, with the same id; a redirection leads nowhere.
#[test]
fn what_a_receiver_does_not_take_comes_again() {
    on_shared_stack(async |roster| {
        let receiver = Receiver::answering(302).await;
        let secret = roster
            .service("moody", &json!({"detail-type": ["UserCreated"]}))
            .await;
        roster.instance("moody", "a", &receiver.url).await;
        let ann = roster.newcomer("again").await;
        let first = receiver.next_about(&ann.id).await;
        receiver.answer(404);
        let second = receiver.next_about(&ann.id).await;
        receiver.answer(204);
        let third = receiver.next_about(&ann.id).await;
        for again in [&second, &third] {
            assert_eq!(again.id(), first.id());
            assert!(again.is_signed_by(&secret));
            assert_eq!(again.body, first.body);
        }
        remove(roster, "moody").await;
    });
}

/// Three failures, and an instance is out of use; a check brings it back, and what waited comes.
#[test]
fn an_instance_that_fails_goes_and_comes_back() {
    on_shared_stack(async |roster| {
        let receiver = Receiver::answering(500).await;
        roster
            .service("flaky", &json!({"detail-type": ["UserCreated"]}))
            .await;
        roster.instance("flaky", "a", &receiver.url).await;
        let check = async || {
            let checked = roster
                .stack
                .lambda
                .call("CheckServices", json!({"detail": {}}));
            patiently("a check", checked).await.unwrap();
            roster.get_as_admin("/services/flaky").await.body["instances"][0].clone()
        };
        for _ in 0..2 {
            check().await;
        }
        assert_eq!(check().await["healthy"], false);
        let none = call(roster, "GET /services/flaky/instance").await;
        assert_eq!(none.problem(), (503, "no-healthy-instance"));
        assert_eq!(none.header("retry-after"), Some("30"));

        let before = roster.stack.journal.since(0).len();
        let ann = roster.newcomer("flaky").await;
        let put_back = |entry: &local::journal::Entry| match &entry.happening {
            Happening::Taken { failed, .. } if *failed > 0 => Some(()),
            _ => None,
        };
        patiently("a look", roster.stack.journal.wait_for(before, put_back)).await;
        receiver.answer(204);
        assert_eq!(check().await["healthy"], true);
        let came = receiver.next_about(&ann.id).await;
        assert_eq!(came.event()["type"], "UserCreated");
        remove(roster, "flaky").await;
    });
}

/// The item of a dead delivery, as the worker writes it after a day.
fn dead_item(service: &str, event: &Value) -> Value {
    fn attribute(value: &Value) -> Value {
        match value {
            Value::String(text) => json!({"S": text}),
            Value::Number(number) => json!({"N": number.to_string()}),
            Value::Object(fields) => {
                let fields = fields.iter();
                let fields = fields.map(|(name, value)| (name.clone(), attribute(value)));
                json!({"M": fields.collect::<serde_json::Map<_, _>>()})
            }
            Value::Array(elements) => {
                json!({"L": elements.iter().map(attribute).collect::<Vec<_>>()})
            }
            other => panic!("{other}"),
        }
    }
    let delivery = json!({"service": service, "event": event});
    json!({
        "pk": {"S": format!("DEAD#{service}")},
        "sk": event["id"].as_str().map(|id| json!({"S": id})),
        "delivery": attribute(&delivery),
        "ttl": {"N": "4102444800"},
    })
}

#[test]
fn what_was_given_up_is_sent_again_by_one_call() {
    on_shared_stack(async |roster| {
        let receiver = Receiver::answering(204).await;
        roster
            .service("late", &json!({"detail-type": ["UserCreated"]}))
            .await;
        roster.instance("late", "a", &receiver.url).await;
        let ann = roster.newcomer("late").await;
        let event = receiver.next_about(&ann.id).await.event();
        let table = &roster.stack.model.tables["ServicesTable"].name;
        let item = dead_item("late", &event);
        let write = json!({"TableName": table, "Item": item});
        roster.database("PutItem", &write).await;
        let route = "POST /services/late/deliveries/redeliver";
        let sent = call(roster, route).await;
        assert_eq!(
            (sent.status, &sent.body),
            (StatusCode::ACCEPTED, &json!({"sent": 1, "more": false}))
        );
        assert_eq!(receiver.next_about(&ann.id).await.event(), event);
        assert_eq!(call(roster, route).await.body["sent"], 0);
        remove(roster, "late").await;
    });
}

/// Without the parameter which the local stack has, nothing of this machine is called.
#[test]
fn private_addresses_are_for_operators_to_permit() {
    on_own_stack(&[("ServiceNetworks", "")], async |roster| {
        roster
            .service("inward", &json!({"source": ["roster"]}))
            .await;
        let put = async |url: &str| {
            let route = "PUT /services/inward/instances/a";
            roster.call_as_admin(route, &json!({"url": url})).await
        };
        let receiver = Receiver::answering(204).await;
        for url in [&*receiver.url, "https://127.0.0.1", "http://a.example.com"] {
            assert_eq!(put(url).await.problem(), (422, "invalid"), "{url}");
        }
        // A name that means this machine is known when it is called.
        let port = receiver.url.rsplit(':').next().unwrap();
        let named = put(&format!("https://localhost:{port}")).await;
        assert_eq!(named.status, StatusCode::OK);
        let before = roster.stack.journal.since(0).len();
        roster.newcomer("inward").await;
        let failed = |entry: &local::journal::Entry| match &entry.happening {
            Happening::Taken { failed, .. } if *failed > 0 => Some(()),
            _ => None,
        };
        patiently("an attempt", roster.stack.journal.wait_for(before, failed)).await;
        let list = roster
            .get_as_admin("/services/inward/deliveries")
            .await
            .body;
        assert_eq!(
            list["data"][0]["attempts"][0]["failure"], "address-refused",
            "{list}"
        );
        remove(roster, "inward").await;
    });
}

/// `.ci/run` starts a receiver which verifies by the official library for JavaScript.
#[test]
fn an_official_receiver_takes_what_is_sent() {
    let Ok(url) = env::var("ROSTER_WEBHOOK_RECEIVER_URL") else {
        return;
    };
    on_own_stack(&[], async |roster| {
        let client = reqwest::Client::new();
        let secret = roster.service("official", &users()).await;
        let given = client
            .put(format!("{url}/secret"))
            .body(secret)
            .send()
            .await;
        assert_eq!(given.unwrap().status(), StatusCode::NO_CONTENT);
        roster.instance("official", "a", &url).await;
        roster.newcomer("official").await;
        // While another secret takes over, the first is good.
        call(roster, "POST /services/official/secret").await;
        roster.newcomer("official").await;
        let taken = |entry: &local::journal::Entry| match &entry.happening {
            Happening::Taken { messages, .. } => Some(*messages),
            _ => None,
        };
        let (mut from, mut count) = (0, 0);
        while count < 2 {
            let sequence =
                |entry: &local::journal::Entry| taken(entry).map(|n| (entry.sequence, n));
            let wait = roster.stack.journal.wait_for(from, sequence);
            let (sequence, messages) = patiently("a delivery", wait).await;
            (from, count) = (sequence + 1, count + messages);
        }
        // Whatever befalls an event once, it comes again and is taken.
        for fault in ["fails", "hangs", "redirects", "closes", "lies"] {
            let set = client.put(format!("{url}/fault")).body(fault).send().await;
            assert_eq!(set.unwrap().status(), StatusCode::NO_CONTENT);
            let before = roster.stack.journal.since(0).len();
            roster.newcomer("official").await;
            for is_taken in [false, true] {
                let attempt = |entry: &local::journal::Entry| match &entry.happening {
                    Happening::Taken {
                        messages, failed, ..
                    } => ((messages > failed) == is_taken).then_some(()),
                    _ => None,
                };
                patiently(fault, roster.stack.journal.wait_for(before, attempt)).await;
            }
        }
        let shown = client.get(format!("{url}/events")).send().await.unwrap();
        let shown: Value = serde_json::from_str(&shown.text().await.unwrap()).unwrap();
        let events = shown.as_array().unwrap();
        assert_eq!(events.len(), 7, "{shown}");
        assert!(events.iter().all(|event| event["type"] == "UserCreated"));
    });
}
