use serde_json::{Value, json};

use super::*;
use crate::{
    template::arn,
    testing::{aws, send},
};

pub(crate) fn users() -> Table {
    Table {
        id: "UsersTable".to_owned(),
        name: "users".to_owned(),
        arn: arn("dynamodb", "table/users"),
        properties: json!({
            "BillingMode": "PAY_PER_REQUEST",
            "DeletionProtectionEnabled": true,
            "SSESpecification": { "SSEEnabled": true },
            "AttributeDefinitions": [
                { "AttributeName": "pk", "AttributeType": "S" },
                { "AttributeName": "sk", "AttributeType": "S" },
                { "AttributeName": "feed", "AttributeType": "S" },
                { "AttributeName": "updatedAt", "AttributeType": "S" }
            ],
            "KeySchema": [
                { "AttributeName": "pk", "KeyType": "HASH" },
                { "AttributeName": "sk", "KeyType": "RANGE" }
            ],
            "GlobalSecondaryIndexes": [{
                "IndexName": "feed",
                "KeySchema": [
                    { "AttributeName": "feed", "KeyType": "HASH" },
                    { "AttributeName": "updatedAt", "KeyType": "RANGE" }
                ],
                "Projection": { "ProjectionType": "INCLUDE", "NonKeyAttributes": ["name"] }
            }],
            "StreamSpecification": { "StreamViewType": "NEW_AND_OLD_IMAGES" },
            "TimeToLiveSpecification": { "AttributeName": "ttl", "Enabled": true }
        }),
    }
}

/// Serves `table` on a free port.
pub(crate) async fn serve(table: Table, data: Option<&Path>) -> anyhow::Result<Dynamo> {
    let model = Model {
        tables: [(table.id.clone(), table)].into(),
        ..Model::default()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    Dynamo::start(&model, data, listener, &Hosts::default()).await
}

async fn start() -> Dynamo {
    serve(users(), None).await.unwrap()
}

async fn call(dynamo: &Dynamo, operation: &str, body: &Value) -> (u16, Value) {
    let target = format!("DynamoDB_20120810.{operation}");
    let (status, body) = aws(&dynamo.url(), "CreateUser", &target, body).await;
    (status.as_u16(), body)
}

async fn put(dynamo: &Dynamo, pk: &str) {
    let item = json!({ "pk": { "S": pk }, "sk": { "S": "USER" } });
    let (status, _) = call(
        dynamo,
        "PutItem",
        &json!({ "TableName": "users", "Item": item }),
    )
    .await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn calls_are_counted_and_the_answer_is_as_asked() {
    let dynamo = start().await;
    let marker = dynamo.calls().position();
    let item = json!({ "pk": { "S": "USER#1" }, "sk": { "S": "USER" }, "feed": { "S": "F" }, "updatedAt": { "S": "1" } });
    let put = json!({ "TableName": "users", "Item": item });
    let (status, answer) = call(&dynamo, "PutItem", &put).await;
    assert_eq!((status, answer), (200, json!({})));

    let get = json!({ "TableName": "users", "Key": { "pk": { "S": "USER#1" }, "sk": { "S": "USER" } }, "ReturnConsumedCapacity": "TOTAL" });
    let (_, answer) = call(&dynamo, "GetItem", &get).await;
    assert_eq!(answer["Item"]["feed"]["S"], "F");
    assert_eq!(answer["ConsumedCapacity"]["TableName"], "users");

    let calls = dynamo.calls().since(marker);
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].caller, "CreateUser");
    assert_eq!(calls[0].accesses[0].leading_keys, ["USER#1"]);
    // One unit for the table and one for its index.
    assert!((calls[0].capacity.write - 2.0).abs() < f64::EPSILON);
    assert!((calls[1].capacity.read - 0.5).abs() < f64::EPSILON);
}

#[tokio::test]
async fn a_cancelled_transaction_says_which_condition_failed_and_shows_the_item() {
    let dynamo = start().await;
    put(&dynamo, "taken").await;
    let create = |pk: &str| {
        json!({ "Put": {
            "TableName": "users",
            "Item": { "pk": { "S": pk }, "sk": { "S": "USER" } },
            "ConditionExpression": "attribute_not_exists(pk)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD"
        }})
    };
    let body = json!({ "TransactItems": [create("free"), create("taken")] });
    let (status, answer) = call(&dynamo, "TransactWriteItems", &body).await;
    assert_eq!(status, 400);
    assert_eq!(answer["CancellationReasons"][0]["Code"], "None");
    assert_eq!(
        answer["CancellationReasons"][1]["Code"],
        "ConditionalCheckFailed"
    );
    assert_eq!(answer["CancellationReasons"][1]["Item"]["pk"]["S"], "taken");
    let failed = dynamo.calls().since(1);
    assert_eq!(
        failed[0].error.as_deref(),
        Some("TransactionCanceledException")
    );
}

#[tokio::test]
async fn a_failed_condition_shows_the_item_if_asked() {
    let dynamo = start().await;
    put(&dynamo, "taken").await;
    let body = json!({
        "TableName": "users",
        "Item": { "pk": { "S": "taken" }, "sk": { "S": "USER" } },
        "ConditionExpression": "attribute_not_exists(pk)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD"
    });
    let (status, answer) = call(&dynamo, "PutItem", &body).await;
    assert_eq!(status, 400);
    assert_eq!(answer["Item"]["sk"]["S"], "USER");
}

#[tokio::test]
async fn a_transaction_is_done_once_under_its_token() {
    let dynamo = start().await;
    let body = |pk: &str| {
        json!({
            "ClientRequestToken": "token",
            "TransactItems": [{ "Update": {
                "TableName": "users",
                "Key": { "pk": { "S": pk }, "sk": { "S": "USER" } },
                "UpdateExpression": "ADD visits :one",
                "ExpressionAttributeValues": { ":one": { "N": "1" } }
            }}]
        })
    };
    for _ in 0..2 {
        let (status, _) = call(&dynamo, "TransactWriteItems", &body("a")).await;
        assert_eq!(status, 200);
    }
    let get = json!({ "TableName": "users", "Key": { "pk": { "S": "a" }, "sk": { "S": "USER" } } });
    let (_, answer) = call(&dynamo, "GetItem", &get).await;
    assert_eq!(answer["Item"]["visits"]["N"], "1");

    let (status, answer) = call(&dynamo, "TransactWriteItems", &body("b")).await;
    assert_eq!(status, 400);
    let code = answer["__type"].as_str().unwrap();
    assert!(
        code.ends_with("IdempotentParameterMismatchException"),
        "{code}"
    );
}

#[tokio::test]
async fn an_index_projects_what_it_says() {
    let dynamo = start().await;
    let item = json!({
        "pk": { "S": "USER#1" }, "sk": { "S": "USER" }, "feed": { "S": "F" },
        "updatedAt": { "S": "1" }, "name": { "S": "Ada" }, "hash": { "S": "secret" }
    });
    call(
        &dynamo,
        "PutItem",
        &json!({ "TableName": "users", "Item": item }),
    )
    .await;
    let query = json!({
        "TableName": "users", "IndexName": "feed",
        "KeyConditionExpression": "feed = :f",
        "ExpressionAttributeValues": { ":f": { "S": "F" } }
    });
    let (_, answer) = call(&dynamo, "Query", &query).await;
    assert_eq!(answer["Items"][0]["name"]["S"], "Ada");
    assert_eq!(answer["Items"][0]["pk"]["S"], "USER#1");
    assert!(answer["Items"][0].get("hash").is_none());
}

#[tokio::test]
async fn expired_items_go_in_a_sweep_and_the_stream_names_the_service() {
    let dynamo = start().await;
    let past = (jiff::Timestamp::now().as_second() - 60).to_string();
    let item = json!({ "pk": { "S": "a" }, "sk": { "S": "USER" }, "ttl": { "N": past } });
    call(
        &dynamo,
        "PutItem",
        &json!({ "TableName": "users", "Item": item }),
    )
    .await;
    put(&dynamo, "b").await;
    assert_eq!(sweep(&dynamo.database, &dynamo.writes).await.unwrap(), 1);
    let stream = dynamo.stream("UsersTable").unwrap();
    let records = stream.after(None, 10).await.unwrap();
    assert_eq!(records[2]["eventName"], "REMOVE");
    assert_eq!(
        records[2]["userIdentity"]["principalId"],
        "dynamodb.amazonaws.com"
    );
}

#[tokio::test]
async fn a_stream_is_read_from_a_position() {
    let dynamo = start().await;
    let stream = dynamo.stream("UsersTable").unwrap();
    let mut writes = stream.writes.clone();
    put(&dynamo, "a").await;
    assert!(writes.has_changed().unwrap());
    writes.borrow_and_update();
    put(&dynamo, "b").await;
    let all = stream.after(None, 10).await.unwrap();
    assert_eq!(all.len(), 2);
    let first = all[0]["dynamodb"]["SequenceNumber"].as_str().unwrap();
    let rest = stream.after(Some(first), 10).await.unwrap();
    assert_eq!(rest, all[1..]);
    assert_eq!(all[0]["eventSourceARN"], stream.arn);
    assert_eq!(all[0]["awsRegion"], "us-east-1");
}

#[tokio::test]
async fn other_hosts_are_refused() {
    let dynamo = start().await;
    let request = http::Request::post(dynamo.url())
        .header("host", "example.com")
        .body(axum::body::Body::empty())
        .unwrap();
    assert_eq!(send(request).await.0, 403);
}

/// A directory that is gone at the end.
pub(crate) struct Scratch(pub(crate) std::path::PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        Self(std::env::temp_dir().join(format!("local-{}", uuid::Uuid::new_v4())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

#[tokio::test]
async fn data_survive_a_restart_and_a_changed_template_is_told() {
    let scratch = Scratch::new();
    let data = Some(scratch.0.as_path());
    let dynamo = serve(users(), data).await.unwrap();
    put(&dynamo, "kept").await;
    let error = serve(users(), data).await.err().unwrap();
    assert!(
        format!("{error:#}").contains("another local stack"),
        "{error:#}"
    );
    drop(dynamo);

    let dynamo = serve(users(), data).await.unwrap();
    let get =
        json!({ "TableName": "users", "Key": { "pk": { "S": "kept" }, "sk": { "S": "USER" } } });
    let (_, answer) = call(&dynamo, "GetItem", &get).await;
    assert_eq!(answer["Item"]["pk"]["S"], "kept");
    drop(dynamo);

    let mut changed = users();
    changed.properties["KeySchema"] = json!([{ "AttributeName": "pk", "KeyType": "HASH" }]);
    let error = serve(changed, data).await.err().unwrap();
    assert!(format!("{error:#}").contains("UsersTable"), "{error:#}");
}
