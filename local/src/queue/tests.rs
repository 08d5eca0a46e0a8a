use std::sync::Arc;

use serde_json::json;
use tokio::net::TcpListener;

use super::*;
use crate::{
    invoke::InvokeError,
    template::RedrivePolicy,
    testing::{FakeInvoker, aws},
};

fn queue(name: &str, dead: Option<u32>) -> Queue {
    Queue {
        name: name.to_owned(),
        visibility_timeout: 60,
        delay_seconds: 0,
        message_retention_period: 345_600,
        redrive_policy: dead.map(|max_receive_count| RedrivePolicy {
            dead_letter_target: "Dead".to_owned(),
            max_receive_count,
        }),
    }
}

fn queues(dead: Option<u32>) -> Queues {
    let queues = [("Work", queue("work", dead)), ("Dead", queue("dead", None))];
    let queues = queues.map(|(id, queue)| (id.to_owned(), queue));
    Queues::new(queues.into(), &Journal::default())
}

fn take(queues: &Queues) -> Vec<Received> {
    queues.receive("Work", 10, None).unwrap()
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_message_is_invisible_while_somebody_has_it() {
    let queues = queues(None);
    queues.send("Work", "a".to_owned(), None).unwrap();
    let first = take(&queues).remove(0);
    assert_eq!(queues.counts("Work").in_flight, 1);
    tokio::time::advance(59 * SECOND).await;
    assert!(take(&queues).is_empty());
    tokio::time::advance(SECOND).await;
    let second = take(&queues).remove(0);
    assert_eq!(second.id, first.id);
    assert_ne!(second.receipt, first.receipt);
    assert_eq!(second.attributes[0].1, "2");
    queues.delete("Work", &second.receipt).unwrap();
    tokio::time::advance(120 * SECOND).await;
    assert!(take(&queues).is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_timeout_need_not_be_waited_for() {
    let queues = queues(None);
    for body in ["has", "left", "put off"] {
        queues.send("Work", body.to_owned(), None).unwrap();
    }
    let batch = take(&queues);
    let of = |body: &str| batch.iter().find(|message| message.body == body).unwrap();
    let pause = 70 * SECOND;
    queues
        .change_visibility("Work", &of("put off").receipt, pause)
        .unwrap();
    queues.left("Work", &[of("left").clone(), of("put off").clone()]);
    assert!(take(&queues).is_empty());
    queues.end_timeouts("Work");
    let bodies = || take(&queues).into_iter().map(|message| message.body);
    assert_eq!(bodies().collect::<Vec<_>>(), ["left"]);
    tokio::time::advance(60 * SECOND).await;
    assert_eq!(bodies().count(), 2);
    tokio::time::advance(10 * SECOND).await;
    assert_eq!(bodies().collect::<Vec<_>>(), ["put off"]);
}

#[tokio::test(start_paused = true)]
async fn what_another_has_by_now_was_not_left() {
    let queues = queues(None);
    queues.send("Work", "a".to_owned(), None).unwrap();
    let first = take(&queues);
    queues
        .change_visibility("Work", &first[0].receipt, SECOND)
        .unwrap();
    tokio::time::advance(SECOND).await;
    let second = take(&queues);
    queues.left("Work", &first);
    queues.end_timeouts("Work");
    assert!(take(&queues).is_empty());
    queues.left("Work", &second);
    queues.end_timeouts("Work");
    assert_eq!(take(&queues).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn its_pause_can_be_chosen_by_whoever_has_it() {
    let queues = queues(None);
    queues.send("Work", "a".to_owned(), None).unwrap();
    let first = take(&queues).remove(0);
    queues
        .change_visibility("Work", &first.receipt, 300 * SECOND)
        .unwrap();
    tokio::time::advance(299 * SECOND).await;
    assert!(take(&queues).is_empty());
    tokio::time::advance(SECOND).await;
    let second = take(&queues).remove(0);
    let old = queues.change_visibility("Work", &first.receipt, SECOND);
    assert_eq!(old, Err(Refusal::not_in_flight()));
    let longest = LONGEST_INVISIBLE;
    assert!(
        queues
            .change_visibility("Work", &second.receipt, longest + SECOND)
            .is_err()
    );
    queues
        .change_visibility("Work", &second.receipt, longest)
        .unwrap();
    assert!(
        queues
            .change_visibility("Work", "nonsense", SECOND)
            .is_err()
    );
}

#[tokio::test(start_paused = true)]
async fn a_delay_and_a_retention_are_kept() {
    let queues = queues(None);
    queues.send("Work", "a".to_owned(), Some(10)).unwrap();
    assert!(take(&queues).is_empty());
    assert_eq!(queues.counts("Work").delayed, 1);
    tokio::time::advance(10 * SECOND).await;
    assert_eq!(take(&queues).len(), 1);
    tokio::time::advance(345_600 * SECOND).await;
    assert!(take(&queues).is_empty());
    assert!(queues.send("Work", "a".to_owned(), Some(901)).is_err());
    assert!(queues.send("Work", String::new(), None).is_err());
    assert!(queues.send("None", "a".to_owned(), None).is_err());
}

#[tokio::test(start_paused = true)]
async fn what_was_received_too_often_goes_to_the_dead_letters() {
    let queues = queues(Some(2));
    let mut tasks = JoinSet::new();
    let invoker: SharedInvoker = Arc::new(FakeInvoker::new(|_| Ok(Value::Null)));
    queues.start(&[], &invoker, &mut tasks);
    queues.send("Work", r#"{"a": 1}"#.to_owned(), None).unwrap();
    for _ in 0..2 {
        assert_eq!(take(&queues).len(), 1);
        tokio::time::advance(60 * SECOND).await;
    }
    assert!(take(&queues).is_empty());
    let mut changes = queues.subscribe();
    while queues.bodies("Dead").is_empty() {
        changes.changed().await.unwrap();
    }
    assert_eq!(queues.bodies("Dead"), [r#"{"a":1}"#]);
}

fn mapping() -> QueueMapping {
    serde_json::from_value(json!({
        "Queue": "Work",
        "BatchSize": 10,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }))
    .unwrap()
}

/// Hands messages to a function which answers so; gives the bodies of each batch, and what is left.
async fn mapped(
    bodies: &[&str],
    batches: usize,
    answer: impl FnMut(&Value) -> Result<Value, InvokeError> + std::marker::Send + 'static,
) -> (Vec<Vec<String>>, Vec<String>) {
    let queues = queues(None);
    for body in bodies {
        queues.send("Work", (*body).to_owned(), None).unwrap();
    }
    let invoker = Arc::new(FakeInvoker::new(answer));
    let shared: SharedInvoker = invoker.clone();
    let mut tasks = JoinSet::new();
    let mapping = QueueMapping {
        function: "F".to_owned(),
        ..mapping()
    };
    queues.start(&[mapping], &shared, &mut tasks);
    let journal = queues.0.journal.clone();
    let mut from = 0;
    for _ in 0..batches {
        let taken = |entry: &crate::journal::Entry| {
            matches!(entry.happening, Happening::Taken { .. }).then_some(entry.sequence)
        };
        from = journal.wait_for(from, taken).await + 1;
    }
    let payloads = invoker.payloads().into_iter().take(batches);
    let got = payloads.map(|(_, payload)| {
        let records = payload["Records"].as_array().unwrap().iter();
        records
            .map(|record| record["body"].as_str().unwrap().to_owned())
            .collect()
    });
    (got.collect(), queues.bodies("Work"))
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_answered_is_deleted() {
    let (got, left) = mapped(&["a", "b"], 1, |_| Ok(json!({ "batchItemFailures": [] }))).await;
    assert_eq!(got, [["a", "b"]]);
    assert!(left.is_empty());
}

#[tokio::test(start_paused = true)]
async fn only_what_is_reported_comes_again() {
    let mut calls = 0;
    let (got, left) = mapped(&["a", "b", "c"], 2, move |payload| {
        calls += 1;
        let second = &payload["Records"][1]["messageId"];
        Ok(match calls {
            1 => json!({ "batchItemFailures": [{ "itemIdentifier": second }] }),
            _ => Value::Null,
        })
    })
    .await;
    assert_eq!(got, [vec!["a", "b", "c"], vec!["b"]]);
    assert!(left.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_failed_invocation_and_a_false_report_bring_the_whole_batch_again() {
    for wrong in [
        json!("done"),
        json!({ "batchItemFailures": [{ "itemIdentifier": "nobody" }] }),
    ] {
        let (got, left) = mapped(&["a", "b"], 2, move |_| Ok(wrong.clone())).await;
        assert_eq!(got, [["a", "b"], ["a", "b"]]);
        assert_eq!(left.len(), 2);
    }
    let exited = |_: &Value| Err(InvokeError::Exited("signal: 9".to_owned()));
    let (got, _) = mapped(&["a"], 2, exited).await;
    assert_eq!(got, [["a"], ["a"]]);
}

#[tokio::test]
async fn the_endpoint_speaks_as_sqs_does() {
    let queues = queues(None);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = tokio::spawn(axum::serve(listener, queues.router()).into_future());
    let call = async |operation: &str, mut body: Value| {
        body["QueueUrl"] = json!("https://sqs.us-east-1.amazonaws.com/000000000000/work");
        aws(&url, "Sender", &format!("AmazonSQS.{operation}"), &body).await
    };
    let (status, sent) = call("SendMessage", json!({ "MessageBody": "hello" })).await;
    assert_eq!(status, 200);
    assert_eq!(sent["MD5OfMessageBody"], "5d41402abc4b2a76b9719d911017c592");
    let entries = json!([
        { "Id": "1", "MessageBody": "a" },
        { "Id": "2", "MessageBody": "" },
    ]);
    let (_, batch) = call("SendMessageBatch", json!({ "Entries": entries })).await;
    assert_eq!(batch["Successful"][0]["Id"], "1");
    assert_eq!(batch["Failed"][0]["Code"], "InvalidParameterValue");
    let (_, got) = call("ReceiveMessage", json!({ "MaxNumberOfMessages": 10 })).await;
    let messages = got["Messages"].as_array().unwrap();
    assert_eq!((&messages[0]["Body"], messages.len()), (&json!("hello"), 2));
    let receipt = &messages[0]["ReceiptHandle"];
    let later = json!({ "ReceiptHandle": receipt, "VisibilityTimeout": 5 });
    assert_eq!(call("ChangeMessageVisibility", later).await.0, 200);
    let done = json!({ "ReceiptHandle": receipt });
    assert_eq!(call("DeleteMessage", done).await.0, 200);
    let (_, nothing) = call("ReceiveMessage", json!({})).await;
    assert_eq!(nothing, json!({}));
    let (status, refused) = call("TagQueue", json!({})).await;
    assert_eq!(
        (status.as_u16(), &refused["__type"]),
        (400, &json!("com.amazonaws.sqs#InvalidAction"))
    );
    let absent = json!({ "QueueUrl": "https://sqs.us-east-1.amazonaws.com/0/none" });
    let (_, refused) = aws(&url, "Sender", "AmazonSQS.ReceiveMessage", &absent).await;
    assert_eq!(refused["__type"], "com.amazonaws.sqs#QueueDoesNotExist");
    let calls = queues.calls();
    assert_eq!(
        (
            calls[1].caller.as_str(),
            calls[1].action.as_str(),
            calls[1].queue.as_str()
        ),
        ("Sender", "SendMessage", "Work")
    );
    server.abort();
}
