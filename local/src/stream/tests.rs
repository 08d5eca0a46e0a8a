use std::{collections::HashMap, future::Future, sync::Arc};

use serde_json::{Value, json};

use super::*;
use crate::{
    dynamodb::tests::{Scratch, serve, users},
    invoke::InvokeError,
    journal::Happening,
    testing::{FakeInvoker, aws},
};

fn mapping() -> Mapping {
    let mapping = serde_json::from_value(json!({
        "Stream": "UsersTable",
        "FilterCriteria": { "Filters": [
            { "Pattern": r#"{"dynamodb": {"Keys": {"sk": {"S": ["EVENT"]}}}}"# }
        ] },
        "BisectBatchOnFunctionError": true,
        "MaximumRetryAttempts": 2,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "DestinationConfig": { "OnFailure": { "Destination": "Failures" } },
    }));
    Mapping {
        id: "PublishEventsUsers".to_owned(),
        function: "PublishEvents".to_owned(),
        ..mapping.unwrap()
    }
}

struct Stack {
    dynamo: Dynamo,
    invoker: Arc<FakeInvoker>,
    journal: Journal,
    mappings: Mappings,
}

impl Stack {
    async fn start(
        data: Option<&Path>,
        mapping: Mapping,
        answer: impl FnMut(&Value) -> Result<Value, InvokeError> + Send + 'static,
    ) -> Self {
        let dynamo = serve(users(), data).await.unwrap();
        let invoker = Arc::new(FakeInvoker::new(answer));
        let journal = Journal::default();
        // Longer than the tests wait: they see that a mapping reads at each write, without a poll.
        let shared: SharedInvoker = invoker.clone();
        let pace = Pace {
            poll: Duration::from_hours(1),
            retry: Duration::from_millis(1),
            longest_retry: Duration::from_millis(4),
        };
        let mappings = Mappings::start(&dynamo, vec![mapping], &shared, &journal, data, pace)
            .await
            .unwrap();
        Self {
            dynamo,
            invoker,
            journal,
            mappings,
        }
    }

    /// Writes these items in one transaction.
    async fn write(&self, pks: &[&str], sk: &str) {
        let puts: Vec<Value> = pks
            .iter()
            .map(|pk| json!({ "Put": { "TableName": "users", "Item": { "pk": { "S": pk }, "sk": { "S": sk } } } }))
            .collect();
        let (status, _) = aws(
            &self.dynamo.url(),
            "CreateUser",
            "DynamoDB_20120810.TransactWriteItems",
            &json!({ "TransactItems": puts }),
        )
        .await;
        assert_eq!(status, 200);
    }

    /// The partition keys in each invocation.
    fn invocations(&self) -> Vec<String> {
        let payloads = self.invoker.payloads();
        payloads.iter().map(|(_, payload)| keys(payload)).collect()
    }

    async fn idle(&self) {
        soon(self.mappings.idle()).await;
    }

    fn dead_letters(&self) -> Vec<Value> {
        let entries = self.journal.since(0);
        let letters = entries.iter().filter_map(|entry| match &entry.happening {
            Happening::DeadLetter { message, .. } => Some(message.clone()),
            _ => None,
        });
        letters.collect()
    }

    fn relayed(&self) -> usize {
        let entries = self.journal.since(0);
        let relayed = entries.iter().filter_map(|entry| match entry.happening {
            Happening::Relayed { records, .. } => Some(records),
            _ => None,
        });
        relayed.sum()
    }
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(20);
    tokio::time::timeout(limit, future).await.expect("in time")
}

fn records(payload: &Value) -> &[Value] {
    payload["Records"].as_array().unwrap()
}

fn pk(record: &Value) -> &str {
    record["dynamodb"]["Keys"]["pk"]["S"].as_str().unwrap()
}

fn keys(payload: &Value) -> String {
    records(payload).iter().map(pk).collect()
}

fn failed(record: &Value) -> Value {
    json!({ "batchItemFailures": [{ "itemIdentifier": record["dynamodb"]["SequenceNumber"] }] })
}

fn broken() -> InvokeError {
    InvokeError::Function(json!({ "errorType": "Broken" }))
}

#[tokio::test]
async fn a_write_is_relayed_at_once_and_only_if_the_filter_wants_it() {
    let stack = Stack::start(None, mapping(), |_| Ok(json!({ "batchItemFailures": [] }))).await;
    stack.write(&["a", "b"], "EVENT").await;
    stack.write(&["c"], "USER").await;
    stack.idle().await;
    let payloads = stack.invoker.payloads();
    assert_eq!(stack.invocations().concat(), "ab");
    assert_eq!(payloads[0].0, "PublishEvents");
    let record = &records(&payloads[0].1)[0];
    assert_eq!(record["eventSource"], "aws:dynamodb");
    assert_eq!(record["eventName"], "INSERT");
    assert_eq!(record["eventVersion"], "1.1");
    assert_eq!(record["dynamodb"]["StreamViewType"], "NEW_AND_OLD_IMAGES");
    assert_eq!(record["dynamodb"]["NewImage"]["sk"]["S"], "EVENT");
    assert_eq!(stack.relayed(), 2);
}

#[tokio::test]
async fn a_partial_failure_is_retried_from_the_failed_record_on() {
    let mut failed_once = false;
    let stack = Stack::start(None, mapping(), move |payload| {
        if failed_once {
            return Ok(Value::Null);
        }
        failed_once = true;
        Ok(failed(&records(payload)[1]))
    })
    .await;
    stack.write(&["a", "b", "c"], "EVENT").await;
    stack.idle().await;
    assert_eq!(stack.invocations(), ["abc", "bc"]);
    assert!(stack.dead_letters().is_empty());
}

#[tokio::test]
async fn a_poisonous_record_is_isolated_and_given_up_and_the_order_is_kept() {
    let stack = Stack::start(None, mapping(), |payload| {
        if keys(payload).contains('c') {
            Err(broken())
        } else {
            Ok(Value::Null)
        }
    })
    .await;
    stack.write(&["a", "b", "c", "d"], "EVENT").await;
    stack.idle().await;
    assert_eq!(
        stack.invocations(),
        ["abcd", "ab", "cd", "c", "c", "c", "d"]
    );
    let letters = stack.dead_letters();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0]["version"], "1.0");
    assert_eq!(
        letters[0]["requestContext"]["condition"],
        "RetryAttemptsExhausted"
    );
    assert_eq!(letters[0]["requestContext"]["approximateInvokeCount"], 3);
    assert_eq!(letters[0]["responseContext"]["functionError"], "Unhandled");
    let info = &letters[0]["DDBStreamBatchInfo"];
    assert_eq!(info["batchSize"], 1);
    assert_eq!(info["startSequenceNumber"], info["endSequenceNumber"]);
    assert!(
        info["approximateArrivalOfFirstRecord"]
            .as_str()
            .unwrap()
            .ends_with('Z')
    );
}

#[tokio::test]
async fn without_bisecting_the_whole_batch_is_given_up() {
    let whole = Mapping {
        bisect_batch_on_function_error: false,
        ..mapping()
    };
    let stack = Stack::start(None, whole, |_| Err(broken())).await;
    stack.write(&["a", "b"], "EVENT").await;
    stack.idle().await;
    assert_eq!(stack.invocations(), ["ab", "ab", "ab"]);
    assert_eq!(
        stack.dead_letters()[0]["DDBStreamBatchInfo"]["batchSize"],
        2
    );
    assert_eq!(stack.relayed(), 0);
}

#[tokio::test]
async fn a_batch_has_at_most_its_size() {
    let small = Mapping {
        batch_size: 2,
        ..mapping()
    };
    let stack = Stack::start(None, small, |_| Ok(Value::Null)).await;
    stack.write(&["a", "b", "c"], "EVENT").await;
    stack.idle().await;
    assert_eq!(stack.invocations(), ["ab", "c"]);
}

#[tokio::test]
async fn an_old_record_is_given_up_without_an_invocation() {
    let impatient = Mapping {
        maximum_record_age_in_seconds: Some(0),
        ..mapping()
    };
    let stack = Stack::start(None, impatient, |_| Ok(Value::Null)).await;
    stack.write(&["a"], "EVENT").await;
    stack.idle().await;
    assert!(stack.invocations().is_empty());
    let condition = &stack.dead_letters()[0]["requestContext"]["condition"];
    assert_eq!(condition, "RecordAgeExceeded");
}

#[tokio::test]
async fn a_mapping_goes_on_where_it_was() {
    let scratch = Scratch::new();
    let stack = Stack::start(Some(&scratch.0), mapping(), |_| Ok(Value::Null)).await;
    stack.write(&["a"], "EVENT").await;
    stack.idle().await;
    drop(stack);

    // Not delivered: the stack stops first.
    let stopping = |_: &Value| Err(InvokeError::Stopping);
    let stack = Stack::start(Some(&scratch.0), mapping(), stopping).await;
    stack.write(&["b"], "EVENT").await;
    soon(stack.invoker.invoked(1)).await;
    drop(stack);

    let stack = Stack::start(Some(&scratch.0), mapping(), |_| Ok(Value::Null)).await;
    stack.idle().await;
    assert_eq!(stack.invocations(), ["b"]);
}

#[tokio::test]
async fn every_record_is_delivered_or_given_up_once_under_random_failures() {
    // A fixed sequence of outcomes, so that a failure can be repeated.
    let mut state = 7_u32;
    let stack = Stack::start(None, mapping(), move |payload| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let records = records(payload);
        match state >> 28 {
            0..6 => Ok(Value::Null),
            6..11 => Ok(failed(&records[state as usize % records.len()])),
            _ => Err(broken()),
        }
    })
    .await;
    let names: Vec<String> = (0..60).map(|number| format!("<{number}>")).collect();
    for some in names.chunks(10) {
        let some: Vec<&str> = some.iter().map(String::as_str).collect();
        stack.write(&some, "EVENT").await;
    }
    stack.idle().await;

    let mut seen = HashMap::<String, usize>::new();
    for (_, payload) in stack.invoker.payloads() {
        for record in records(&payload) {
            *seen.entry(pk(record).to_owned()).or_default() += 1;
        }
    }
    assert_eq!(seen.len(), names.len());
    // Order: a record's first delivery comes after the first delivery of every older one.
    let mut first = Vec::new();
    for (_, payload) in stack.invoker.payloads() {
        for record in records(&payload) {
            if !first.contains(&pk(record).to_owned()) {
                first.push(pk(record).to_owned());
            }
        }
    }
    assert_eq!(first, names);
}
