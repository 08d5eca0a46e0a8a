use serde_json::json;
use tokio::net::TcpListener;

use super::*;
use crate::{
    pattern::Pattern,
    template::arn,
    testing::{FakeInvoker, aws},
};

struct Stack {
    url: String,
    invoker: Arc<FakeInvoker>,
    journal: Journal,
}

fn rule(name: &str, bus: &str, pattern: &Value) -> Rule {
    Rule {
        name: name.to_owned(),
        bus: bus.to_owned(),
        pattern: Pattern::parse(pattern).unwrap(),
        function: name.to_owned(),
        dead_letter_config: None,
    }
}

impl Stack {
    async fn start() -> Self {
        let invoker = Arc::new(FakeInvoker::new(|_| Ok(Value::Null)));
        let journal = Journal::default();
        let rules = vec![
            rule(
                "OnUserCreated",
                "roster",
                &json!({ "source": ["roster"], "detail-type": ["UserCreated"] }),
            ),
            rule("RecordAudit", "roster", &json!({ "source": ["roster"] })),
            rule("RecordMail", DEFAULT_BUS, &json!({ "source": ["aws.ses"] })),
        ];
        let buses = vec!["roster".to_owned()];
        let bus = Bus::new(buses, rules, invoker.clone(), journal.clone()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, bus.router()).into_future());
        Self {
            url,
            invoker,
            journal,
        }
    }

    async fn put(&self, entries: &Value) -> (u16, Value) {
        let body = json!({ "Entries": entries });
        let (status, answer) = aws(&self.url, "PublishEvents", "AWSEvents.PutEvents", &body).await;
        (status.as_u16(), answer)
    }

    fn functions(&self) -> Vec<String> {
        self.invoker
            .payloads()
            .into_iter()
            .map(|(function, _)| function)
            .collect()
    }
}

fn entry(detail_type: &str) -> Value {
    json!({ "Source": "roster", "DetailType": detail_type, "Detail": "{\"id\":1}", "EventBusName": "roster" })
}

#[tokio::test]
async fn an_event_reaches_the_functions_whose_rules_match() {
    let stack = Stack::start().await;
    let mut created = entry("UserCreated");
    created["Time"] = json!(1_700_000_000.5);
    let (status, answer) = stack.put(&json!([created, entry("UserDeleted")])).await;
    assert_eq!(status, 200);
    assert_eq!(answer["FailedEntryCount"], 0);
    assert_eq!(
        stack.functions(),
        ["OnUserCreated", "RecordAudit", "RecordAudit"]
    );
    let (_, event) = &stack.invoker.payloads()[0];
    assert_eq!(event["id"], answer["Entries"][0]["EventId"]);
    assert_eq!(event["version"], "0");
    assert_eq!(event["detail-type"], "UserCreated");
    assert_eq!(event["detail"], json!({ "id": 1 }));
    assert_eq!(event["time"], "2023-11-14T22:13:20Z");
    assert_eq!(event["resources"], json!([]));
    let Happening::Event { targets, .. } = &stack.journal.since(0)[0].happening else {
        panic!("the event comes first");
    };
    assert_eq!(targets, &["OnUserCreated", "RecordAudit"]);
}

#[tokio::test]
async fn bad_entries_fail_alone() {
    let stack = Stack::start().await;
    let without = |name: &str| {
        let mut entry = entry("UserCreated");
        entry.as_object_mut().unwrap().remove(name);
        entry
    };
    let with = |name: &str, value: &str| {
        let mut entry = entry("UserCreated");
        entry[name] = json!(value);
        entry
    };
    let (_, answer) = stack
        .put(&json!([
            without("Source"),
            without("DetailType"),
            without("Detail"),
            with("Detail", "[1]"),
            with("Source", "aws.ses"),
            with("EventBusName", "nobody"),
            entry("UserDeleted"),
        ]))
        .await;
    assert_eq!(answer["FailedEntryCount"], 6);
    let codes: Vec<_> = (0..6)
        .map(|index| {
            answer["Entries"][index]["ErrorCode"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(
        codes,
        [
            "InvalidArgument",
            "InvalidArgument",
            "InvalidArgument",
            "MalformedDetail",
            "NotAuthorizedForSourceException",
            "InvalidArgument"
        ]
    );
    assert_eq!(stack.functions(), ["RecordAudit"]);
}

#[tokio::test]
async fn a_request_has_its_limits() {
    let stack = Stack::start().await;
    let (status, answer) = stack.put(&json!(vec![entry("UserCreated"); 11])).await;
    assert_eq!(
        (status, &answer["__type"]),
        (400, &json!("ValidationException"))
    );
    let mut large = entry("UserCreated");
    large["Detail"] = json!(format!("{{\"x\":\"{}\"}}", "x".repeat(BYTES_OVER)));
    let (status, _) = stack.put(&json!([large])).await;
    assert_eq!(status, 400);
    assert!(stack.functions().is_empty());
}

const BYTES_OVER: usize = 256 * 1024;

#[tokio::test]
async fn a_bus_can_be_named_by_its_arn_and_the_default_one_by_nothing() {
    let stack = Stack::start().await;
    let mut by_arn = entry("UserDeleted");
    by_arn["EventBusName"] = json!(arn("events", "event-bus/roster"));
    let mut by_nothing = entry("UserDeleted");
    by_nothing.as_object_mut().unwrap().remove("EventBusName");
    let (_, answer) = stack.put(&json!([by_arn, by_nothing])).await;
    assert_eq!(answer["FailedEntryCount"], 0);
    assert_eq!(stack.functions(), ["RecordAudit"]);
}

#[test]
fn a_rule_on_an_unknown_bus_is_told() {
    let invoker = Arc::new(FakeInvoker::new(|_| Ok(Value::Null)));
    let journal = Journal::default();
    let rules = vec![rule("Lost", "nowhere", &json!({ "source": ["x"] }))];
    let error = Bus::new(Vec::new(), rules, invoker, journal).err().unwrap();
    assert_eq!(
        error.to_string(),
        "rule Lost: there is no event bus nowhere"
    );
}
