//! The embedded database and DynamoDB Local write the same records of the same writes, but for what
//! `docs/decisions/0007-local-stack.md` lists.

use serde_json::{Value, json};

use super::{
    STREAMS,
    poller::{Database, Poller},
};
use crate::{backend::prefix, tables};

/// A write. `TABLE` stands for the table.
struct Write {
    operation: &'static str,
    body: Value,
    /// False if the items are the same afterwards.
    changes: bool,
}

fn key(sk: &str) -> Value {
    json!({"pk": {"S": "a"}, "sk": {"S": sk}})
}

fn item(sk: &str, n: &str) -> Value {
    let mut item = key(sk);
    item["n"] = json!({"N": n});
    item
}

fn write(operation: &'static str, body: Value) -> Write {
    Write {
        operation,
        body,
        changes: true,
    }
}

fn put(item: &Value) -> Write {
    write("PutItem", json!({"TableName": "TABLE", "Item": item}))
}

fn update(sk: &str, n: &str) -> Write {
    let body = json!({
        "TableName": "TABLE",
        "Key": key(sk),
        "UpdateExpression": "SET n = :n",
        "ExpressionAttributeValues": {":n": {"N": n}},
    });
    write("UpdateItem", body)
}

fn delete(sk: &str) -> Write {
    let body = json!({"TableName": "TABLE", "Key": key(sk)});
    write("DeleteItem", body)
}

fn in_vain(write: Write) -> Write {
    Write {
        changes: false,
        ..write
    }
}

/// Each kind of write that Roster makes, and each that changes nothing.
fn writes() -> Vec<Write> {
    let of_all_types = json!({
        "pk": {"S": "a"},
        "sk": {"S": "types"},
        "n": {"N": "1.5"},
        "b": {"B": "AAEC"},
        "t": {"BOOL": true},
        "z": {"NULL": true},
        "l": {"L": [{"S": ""}, {"N": "0"}, {"L": []}]},
        "m": {"M": {"event": {"M": {"id": {"S": "1"}, "data": {"M": {}}}}}},
        "ss": {"SS": ["b", "a"]},
        "ns": {"NS": ["2", "1"]},
    });
    let mut refused = put(&item("absent", "1"));
    refused.body["ConditionExpression"] = json!("attribute_exists(pk)");
    let batch = json!({"RequestItems": {"TABLE": [
        {"PutRequest": {"Item": item("3", "1")}},
        {"DeleteRequest": {"Key": key("1")}},
        {"DeleteRequest": {"Key": key("absent")}},
    ]}});
    vec![
        put(&item("1", "1")),
        in_vain(put(&item("1", "1"))),
        put(&item("1", "2")),
        update("1", "3"),
        in_vain(update("1", "3")),
        update("2", "1"),
        refused,
        delete("2"),
        delete("2"),
        put(&of_all_types),
        in_vain(put(&of_all_types)),
        delete("types"),
        write("BatchWriteItem", batch),
        write(
            "TransactWriteItems",
            json!({"TransactItems": transaction()}),
        ),
        write(
            "TransactWriteItems",
            json!({"TransactItems": [
                {"Put": {"TableName": "TABLE", "Item": item("4", "2")}},
                {"Delete": {"TableName": "TABLE", "Key": key("3")}},
                {"Delete": {"TableName": "TABLE", "Key": key("absent")}},
            ]}),
        ),
    ]
}

fn transaction() -> Value {
    json!([
        {"Put": {"TableName": "TABLE", "Item": item("4", "1")}},
        {"Update": {
            "TableName": "TABLE",
            "Key": key("3"),
            "UpdateExpression": "SET n = n + :n",
            "ExpressionAttributeValues": {":n": {"N": "1"}},
        }},
        {"ConditionCheck": {
            "TableName": "TABLE",
            "Key": key("5"),
            "ConditionExpression": "attribute_not_exists(pk)",
        }},
    ])
}

/// The records of these writes in a stream that shows this much.
async fn records(database: &Database, view: &str, writes: Vec<Write>) -> Vec<Value> {
    let table = format!("{}{view}", prefix());
    let attribute = |name: &str| json!({"AttributeName": name, "AttributeType": "S"});
    let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
    let creation = json!({
        "TableName": table,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [attribute("pk"), attribute("sk")],
        "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": view},
    });
    database.call("CreateTable", creation).await.unwrap();
    for write in writes {
        let body = write.body.to_string().replace("TABLE", &table);
        let body = serde_json::from_str(&body).unwrap();
        let answer = database.call(write.operation, body).await;
        let refused = answer.err();
        assert!(matches!(
            refused.as_deref(),
            None | Some("ConditionalCheckFailedException")
        ));
    }
    let mut poller = Poller::open(database, &table).await;
    let mut records = Vec::new();
    let keep = async |read: Vec<Value>| {
        records.extend(read);
        None
    };
    poller.poll(1000, keep).await;
    records.into_iter().map(comparable).collect()
}

/// A record without what is each database's own.
fn comparable(mut record: Value) -> Value {
    let fields = record.as_object_mut().unwrap();
    assert!(fields.remove("eventID").is_some_and(|id| id.is_string()));
    fields.remove("awsRegion");
    let change = fields["dynamodb"].as_object_mut().unwrap();
    change.remove("SequenceNumber");
    change.remove("SizeBytes");
    change.remove("ApproximateCreationDateTime");
    for image in ["NewImage", "OldImage"] {
        for (name, kind) in [("ss", "SS"), ("ns", "NS")] {
            let set = change.get_mut(image).and_then(|item| item.get_mut(name));
            if let Some(set) = set.and_then(|set| set[kind].as_array_mut()) {
                set.sort_by_key(Value::to_string);
            }
        }
    }
    record
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs ROSTER_DYNAMODB_LOCAL_URL"]
async fn both_write_the_same_records() {
    let _undisturbed = STREAMS.read().await;
    let theirs = Database::at(&std::env::var("ROSTER_DYNAMODB_LOCAL_URL").unwrap());
    let ours = Database::at(&tables::embedded().await);
    for view in ["NEW_AND_OLD_IMAGES", "KEYS_ONLY"] {
        let from_theirs = records(&theirs, view, writes()).await;
        let mut changing = writes();
        changing.retain(|write| write.changes);
        let from_ours = records(&ours, view, changing).await;
        for (theirs, ours) in from_theirs.iter().zip(&from_ours) {
            assert_eq!(theirs, ours);
        }
        assert_eq!(from_theirs.len(), from_ours.len());
        // The embedded one tells of writes that change nothing, too.
        let more = records(&ours, view, writes()).await.len();
        assert_eq!(more, from_ours.len() + 3);
    }
}
