//! What each release left in the tables is read by this one, and written on.
//!
//! `tests/releases/VERSION.jsonl` has the rows, one on each line with its table. A new one is made by
//! `ROSTER_DUMP=tests/releases/VERSION.jsonl cargo test --test roster releases`, before the release.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use cli::serve_tables;
use local::template::Template;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{PASSWORD, Roster, on_own_stack, on_tables, template, token_in};

const NONE: Value = Value::Null;

fn releases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("releases")
}

/// Everything that a small deployment saw: people at each stage of their lives, a machine, a service.
async fn live(roster: &Roster) {
    for who in ["ann", "bob", "cid", "eve"] {
        let made = roster.sign_up(&format!("{who}@example.com")).await;
        assert_eq!(made.status, StatusCode::CREATED);
    }
    for who in ["ann", "eve"] {
        let email = format!("{who}@example.com");
        let token = token_in(&roster.mail_to(&email).await, "verify");
        let confirmed = roster
            .call(
                "PUT /email-verifications",
                &roster.token(&email, PASSWORD).await,
                &json!({"token": token}),
            )
            .await;
        assert_eq!(confirmed.status, StatusCode::NO_CONTENT);
    }
    let ann = roster.token("ann@example.com", PASSWORD).await;
    let rename = json!({"name": "Ann Of Old"});
    let renamed = roster.call("PATCH /users/me", &ann, &rename).await;
    assert_eq!(renamed.status, StatusCode::OK);
    let wrong = json!({"email": "ann@example.com", "password": "five red tulips sang"});
    assert_eq!(
        roster.post("/sessions", &wrong).await.status,
        StatusCode::UNAUTHORIZED
    );
    let eve = roster.token("eve@example.com", PASSWORD).await;
    let change = json!({"email": "eve@example.org", "currentPassword": PASSWORD});
    let asked = roster.call("PUT /users/me/email", &eve, &change).await;
    assert_eq!(asked.status, StatusCode::ACCEPTED, "{asked:?}");

    let (bob, cid) = (id_of(roster, "bob").await, id_of(roster, "cid").await);
    let out = roster
        .call_as_admin(&format!("POST /users/{bob}/deactivate"), &NONE)
        .await;
    assert_eq!(out.status, StatusCode::OK);
    let gone = roster
        .call_as_admin(&format!("DELETE /users/{cid}"), &NONE)
        .await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let role = format!("PUT /users/{}/roles", id_of(roster, "ann").await);
    let roles = roster
        .call_as_admin(&role, &json!({"roles": ["support"]}))
        .await;
    assert_eq!(roles.status, StatusCode::OK);
    let invited = json!({"email": "dan@example.com", "name": "Dan Example"});
    let invited = roster.call_as_admin("POST /users", &invited).await;
    assert_eq!(invited.status, StatusCode::CREATED);
    roster.api_key("reader").await;
    let filter = json!({"filter": {"detail-type": ["UserDeleted"]}});
    let service = roster.call_as_admin("PUT /services/orders", &filter).await;
    assert_eq!(service.status, StatusCode::CREATED);
    roster.settle().await;
}

async fn id_of(roster: &Roster, who: &str) -> String {
    let path = format!("/users?filter=email%20eq%20%22{who}@example.com%22");
    let found = roster.get_as_admin(&path).await.body;
    found["data"][0]["id"].as_str().unwrap().to_owned()
}

/// Whoever lived through [`live`] goes on.
async fn goes_on(roster: &Roster) {
    let found = roster
        .get_as_admin("/users?sort=email&limit=100")
        .await
        .body;
    let listed: Vec<_> = found["data"].as_array().unwrap().iter().collect();
    let emails: Vec<_> = listed
        .iter()
        .map(|user| user["email"].as_str().unwrap())
        .collect();
    let people = ["admin", "ann", "bob", "dan", "eve"].map(|who| format!("{who}@example.com"));
    assert_eq!(emails, people);
    let ann = listed[1];
    assert_eq!(
        (&ann["name"], &ann["roles"]),
        (&json!("Ann Of Old"), &json!(["support"]))
    );
    assert_eq!(
        (&ann["emailVerified"], &listed[2]["active"]),
        (&json!(true), &json!(false))
    );

    let token = roster.token("ann@example.com", PASSWORD).await;
    let me = roster.call("GET /users/me", &token, &NONE).await;
    assert_eq!((me.status, &me.body["id"]), (StatusCode::OK, &ann["id"]));
    let rename = json!({"name": "Ann Of Now"});
    let renamed = roster.call("PATCH /users/me", &token, &rename).await;
    assert_eq!(
        (renamed.status, &renamed.body["name"]),
        (StatusCode::OK, &rename["name"])
    );
    let eve = roster.token("eve@example.com", PASSWORD).await;
    let eve = roster.call("GET /users/me", &eve, &NONE).await.body;
    assert_eq!(eve["pendingEmail"], "eve@example.org");
    assert_eq!(
        roster.sign_in("bob@example.com").await.status,
        StatusCode::UNAUTHORIZED
    );
    roster.settle().await;

    let trail = roster
        .get_as_admin("/audit-events?type=UserDeleted")
        .await
        .body;
    let cid = trail["data"][0]["userId"].as_str().unwrap().to_owned();
    let everybody = listed.iter().map(|user| user["id"].as_str().unwrap());
    for id in everybody.chain([&*cid]) {
        let trail = roster
            .get_as_admin(&format!("/audit-events?user={id}"))
            .await
            .body;
        assert_eq!(
            trail["chain"],
            json!({"status": "ok", "state": "ok"}),
            "{trail}"
        );
    }
    let keys = roster.get_as_admin("/api-keys").await.body;
    assert_eq!(keys["data"].as_array().map(Vec::len), Some(1), "{keys}");
    let services = roster.get_as_admin("/services").await.body;
    assert_eq!(services["data"][0]["name"], "orders", "{services}");
    // Whom an administrator let go comes back with the old password.
    let back = format!(
        "POST /users/{}/reactivate",
        listed[2]["id"].as_str().unwrap()
    );
    assert_eq!(
        roster.call_as_admin(&back, &NONE).await.status,
        StatusCode::OK
    );
    assert_eq!(
        roster.sign_in("bob@example.com").await.status,
        StatusCode::CREATED
    );
}

/// Every row of every table, as it is kept in a file.
async fn dump(roster: &Roster) -> String {
    let mut lines = Vec::new();
    for (id, table) in &roster.stack.model.tables {
        let scanned = roster
            .database("Scan", &json!({"TableName": table.name}))
            .await;
        assert!(
            scanned.get("LastEvaluatedKey").is_none(),
            "more than fits a small dump"
        );
        for item in scanned["Items"].as_array().unwrap() {
            lines.push(json!({"table": id, "item": item}).to_string());
        }
    }
    lines.sort();
    lines.join("\n") + "\n"
}

/// Runs a test over these rows, which no stream tells of.
fn on_rows(dump: &str, test: impl AsyncFnOnce(&Roster)) {
    let mut tables: BTreeMap<String, Vec<local::dynamodb::Item>> = BTreeMap::new();
    for line in dump.lines() {
        let mut row: Value = serde_json::from_str(line).unwrap();
        let table = row["table"].as_str().unwrap().to_owned();
        let item = serde_json::from_value(row["item"].take()).unwrap();
        tables.entry(table).or_default().push(item);
    }
    let load = async |data: &Path| {
        let model = Template::read(&template())
            .unwrap()
            .resolve(&cli::local::parameters())
            .unwrap();
        let dynamo = serve_tables(&model, Some(data)).await.unwrap();
        for (table, items) in tables {
            dynamo.load(&table, items).await.unwrap();
        }
    };
    on_tables(load, test);
}

#[test]
fn rows_of_this_release_can_be_dumped_and_read() {
    let mut dumped = String::new();
    on_own_stack(&[], async |roster| {
        live(roster).await;
        dumped = dump(roster).await;
    });
    if let Some(file) = std::env::var_os("ROSTER_DUMP") {
        let root = template().parent().unwrap().to_owned();
        fs::write(root.join(file), &dumped).unwrap();
    }
    on_rows(&dumped, goes_on);
}

#[test]
fn rows_of_every_release_are_read() {
    let mut count = 0;
    for file in fs::read_dir(releases()).unwrap() {
        let file = file.unwrap().path();
        on_rows(&fs::read_to_string(file).unwrap(), goes_on);
        count += 1;
    }
    assert!(count > 0);
}
