//! `GET /audit-events`.

use std::collections::BTreeSet;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Answer, Roster, on_own_stack, on_shared_stack, unique_email};

/// Signs up and in; gives the user's id and both answers.
async fn active_user(roster: &Roster) -> (String, Answer, Answer) {
    let email = unique_email("audit");
    let signed_up = roster.sign_up(&email).await;
    let signed_in = roster.sign_in(&email).await;
    assert_eq!(signed_in.status, StatusCode::CREATED);
    let id = signed_up.body["id"].as_str().unwrap().to_owned();
    roster.settle().await;
    (id, signed_up, signed_in)
}

fn lines(answer: &Answer) -> &[Value] {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.body["data"].as_array().unwrap()
}

fn kinds(answer: &Answer) -> Vec<&str> {
    let lines = lines(answer).iter();
    lines.map(|line| line["type"].as_str().unwrap()).collect()
}

/// Follows `next` to the end.
async fn walk(roster: &Roster, path: &str) -> Vec<Value> {
    let (mut seen, mut path) = (Vec::new(), path.to_owned());
    loop {
        let answer = roster.get_as_admin(&path).await;
        seen.extend_from_slice(lines(&answer));
        let Some(next) = answer.body["pagination"]["next"].as_str() else {
            assert_eq!(answer.header("link"), None);
            return seen;
        };
        let link = format!("<{next}>; rel=\"next\"");
        assert_eq!(answer.header("link"), Some(&*link));
        next.clone_into(&mut path);
    }
}

#[test]
fn sign_up_and_sign_in_appear_with_all_circumstances() {
    on_shared_stack(async |roster| {
        let (id, signed_up, signed_in) = active_user(roster).await;
        let answer = roster
            .get_as_admin(&format!("/audit-events?user={id}"))
            .await;
        assert_eq!(kinds(&answer), ["SessionStarted", "UserCreated"]);
        assert_eq!(answer.body["chain"], json!({"status": "ok", "state": "ok"}));
        assert_eq!(answer.body["signIns"], json!({"status": "ok"}));
        assert_eq!(
            answer.body["pagination"],
            json!({"limit": 50, "next": null})
        );
        let [sign_in, sign_up] = lines(&answer) else {
            panic!("{answer:?}");
        };
        for (line, cause) in [(sign_in, &signed_in), (sign_up, &signed_up)] {
            assert_eq!(line["userId"], id);
            assert_eq!(line["sourceAddress"], "127.0.0.1");
            assert_eq!(line["requestId"].as_str(), cause.header("x-request-id"));
        }
        assert_eq!(sign_up["actor"], "anonymous");
        assert_eq!(sign_up["version"], 1);
        assert_eq!(sign_up["time"], signed_up.body["createdAt"]);
        assert_eq!(sign_up["hash"].as_str().unwrap().len(), 64);
        assert_eq!(sign_in["actor"], format!("user:{id}"));
        assert_eq!(sign_in["version"], Value::Null);
        assert_eq!(sign_in["hash"].as_str().unwrap().len(), 64);
        assert!(sign_in["time"].as_str() > sign_up["time"].as_str());
    });
}

#[test]
fn type_and_time_narrow_it() {
    on_shared_stack(async |roster| {
        let (id, signed_up, _) = active_user(roster).await;
        let about = format!("/audit-events?user={id}");
        let created_at = signed_up.body["createdAt"].as_str().unwrap();
        for (filter, expected) in [
            ("type=UserCreated".to_owned(), &["UserCreated"][..]),
            ("type=UserDeleted".to_owned(), &[]),
            (format!("to={created_at}"), &[]),
            (
                format!("from={created_at}"),
                &["SessionStarted", "UserCreated"],
            ),
            (
                format!("from={created_at}&type=SessionStarted"),
                &["SessionStarted"],
            ),
        ] {
            let answer = roster.get_as_admin(&format!("{about}&{filter}")).await;
            assert_eq!(kinds(&answer), expected, "{filter}");
        }
        // Of everybody, at just this time.
        let path = format!("/audit-events?from={created_at}&type=UserCreated&limit=100");
        let created = walk(roster, &path).await;
        assert!(created.iter().any(|line| line["userId"] == id));
        assert!(created.iter().all(|line| line["type"] == "UserCreated"));
    });
}

#[test]
fn pages_hold_everything_once() {
    on_own_stack(&[], async |roster| {
        let mut users = BTreeSet::new();
        for _ in 0..3 {
            users.insert(active_user(roster).await.0);
        }
        // The administrator signs in with the first request, which is an event too.
        roster.admin().await;
        roster.settle().await;
        let whole = roster.get_as_admin("/audit-events").await;
        assert_eq!(lines(&whole).len(), 8, "{whole:?}");
        let walked = walk(roster, "/audit-events?limit=3").await;
        assert_eq!(walked, lines(&whole));
        let about: BTreeSet<_> = walked
            .iter()
            .map(|line| line["userId"].as_str().unwrap().to_owned())
            .collect();
        assert!(about.is_superset(&users));
    });
}

#[test]
fn tampering_shows() {
    on_own_stack(&[], async |roster| {
        let (id, ..) = active_user(roster).await;
        let table = &roster.stack.model.tables["UsersTable"].name;
        let key = json!({"pk": {"S": format!("USER#{id}")}, "sk": {"S": "EVENT#000000000001"}});
        let path = format!("/audit-events?user={id}");
        let read = json!({"TableName": table, "Key": key});
        let entry = roster.database("GetItem", &read).await["Item"].take();
        assert_eq!(entry["event"]["M"]["actor"]["S"], "anonymous");

        let mut changed = entry.clone();
        changed["event"]["M"]["actor"]["S"] = json!("system");
        let write = json!({"TableName": table, "Item": changed});
        roster.database("PutItem", &write).await;
        let broken = json!({"status": "broken", "at": 1});
        assert_eq!(roster.get_as_admin(&path).await.body["chain"], broken);

        let write = json!({"TableName": table, "Item": entry});
        roster.database("PutItem", &write).await;
        let whole = json!({"status": "ok", "state": "ok"});
        assert_eq!(roster.get_as_admin(&path).await.body["chain"], whole);

        let remove = json!({"TableName": table, "Key": key});
        roster.database("DeleteItem", &remove).await;
        let answer = roster.get_as_admin(&path).await;
        assert_eq!(answer.body["chain"], broken);
        assert_eq!(kinds(&answer), ["SessionStarted", "UserCreated"]);
    });
}

/// Where an item is: its table and its key.
type Place<'a> = (&'a str, &'a str, &'a str);

/// An attribute to write into an item, or to remove, and which verdict tells of it.
type Forgery<'a> = (Place<'a>, &'a str, Option<Value>, &'a str);

/// The verdict on the user while the attribute is forged, and after it was put back.
async fn forged(roster: &Roster, path: &str, forgery: Forgery<'_>) -> [Value; 2] {
    let ((table, pk, sk), attribute, value, verdict) = forgery;
    let table = &roster.stack.model.tables[table].name;
    let key = json!({"pk": {"S": pk}, "sk": {"S": sk}});
    let read = json!({"TableName": table, "Key": key});
    let item = roster.database("GetItem", &read).await["Item"].take();
    assert!(!item["pk"].is_null(), "{sk} is not there");
    let mut forged = item.clone();
    let attributes = forged.as_object_mut().unwrap();
    match value {
        Some(value) => attributes.insert(attribute.to_owned(), value),
        None => attributes.remove(attribute),
    };
    assert_ne!(forged, item, "{attribute}");
    let mut verdicts = [Value::Null, Value::Null];
    for (item, seen) in [&forged, &item].into_iter().zip(&mut verdicts) {
        let write = json!({"TableName": table, "Item": item});
        roster.database("PutItem", &write).await;
        *seen = roster.get_as_admin(path).await.body[verdict]["status"].take();
    }
    verdicts
}

/// Whoever writes to one table past Roster is seen, whichever table it is.
#[test]
fn what_no_event_wrote_in_any_table_shows() {
    on_own_stack(&[], async |roster| {
        let (id, ..) = active_user(roster).await;
        let path = format!("/audit-events?user={id}");
        let whole = roster.get_as_admin(&path).await;
        let sign_in = &lines(&whole)[0];
        let time = sign_in["time"].as_str().unwrap();
        let line = format!("{time}#{}", sign_in["eventId"].as_str().unwrap());
        let sessions = roster.get_as_admin(&format!("/users/{id}/sessions")).await;
        let session = lines(&sessions)[0]["id"].as_str().unwrap();
        let (session, user) = (format!("SESSION#{session}"), format!("USER#{id}"));
        let day = format!("AUDIT#{}", &time[..10]);
        let stored = ("UsersTable", &*user, "USER");
        let event = ("UsersTable", &*user, "EVENT#000000000001");
        let session = ("SessionsTable", &*user, &*session);
        let line = ("AuditTable", &*day, &*line);
        let admin = Some(json!({"L": [{"S": "admin"}]}));
        let zero = Some(json!({"S": "0".repeat(64)}));
        let forgeries: [Forgery<'_>; 8] = [
            (stored, "roles", admin, "chain"),
            (stored, "active", Some(json!({"BOOL": false})), "chain"),
            (event, "private", None, "chain"),
            (event, "state", None, "chain"),
            (session, "sourceAddress", None, "signIns"),
            (session, "startLine", None, "signIns"),
            (line, "actor", Some(json!({"S": "system"})), "signIns"),
            (line, "hash", zero, "signIns"),
        ];
        for forgery in forgeries {
            let what = format!("{} {}", forgery.0.2, forgery.1);
            assert_eq!(
                forged(roster, &path, forgery).await,
                ["broken", "ok"],
                "{what}"
            );
        }
        for ((table, pk, sk), verdict) in [(session, "signIns"), (stored, "chain")] {
            let table = &roster.stack.model.tables[table].name;
            let key = json!({"pk": {"S": pk}, "sk": {"S": sk}});
            let remove = json!({"TableName": table, "Key": key});
            roster.database("DeleteItem", &remove).await;
            let answer = roster.get_as_admin(&path).await;
            assert_eq!(answer.body[verdict]["status"], "broken", "{sk}");
        }
    });
}

#[test]
fn wrong_parameters_are_named_at_once() {
    on_shared_stack(async |roster| {
        let path =
            "/audit-events?user=ann&type=Nothing&from=today&to=now&limit=101&cursor=x&page=2";
        let answer = roster.get_as_admin(path).await;
        assert_eq!(answer.problem(), (422, "invalid"));
        let errors = answer.body["errors"].as_array().unwrap().iter();
        let named: Vec<_> = errors
            .map(|error| error["pointer"].as_str().unwrap())
            .collect();
        let expected = ["user", "type", "from", "to", "limit", "cursor", "page"];
        assert_eq!(named, expected);
    });
}
