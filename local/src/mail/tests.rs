use std::sync::Arc;

use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;
use crate::{
    journal::Mail,
    pattern::Pattern,
    template::{Rule, SendingOptions},
    testing::{FakeInvoker, send},
};

struct Stack {
    url: String,
    invoker: Arc<FakeInvoker>,
    journal: Journal,
    mailboxes: Mailboxes,
}

impl Stack {
    async fn start() -> Self {
        let invoker = Arc::new(FakeInvoker::new(|_| Ok(Value::Null)));
        let journal = Journal::default();
        let claimed = json!({ "source": ["aws.ses"], "detail": { "mail": { "tags": { "roster-claim": [{ "exists": true }] } } } });
        let rule = Rule {
            name: "Sent".to_owned(),
            bus: DEFAULT_BUS.to_owned(),
            pattern: Pattern::parse(&claimed).unwrap(),
            function: "RecordMail".to_owned(),
            dead_letter_config: None,
        };
        let bus = Bus::new(Vec::new(), vec![rule], invoker.clone(), journal.clone()).unwrap();
        let sets = vec![ConfigurationSet {
            name: "mails".to_owned(),
            sending_options: SendingOptions::default(),
            event_kinds: ["SEND", "DELIVERY", "BOUNCE", "COMPLAINT"]
                .map(str::to_owned)
                .to_vec(),
        }];
        let mailboxes = Mailboxes::default();
        let mail = router(sets, mailboxes.clone(), journal.clone(), bus);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!(
            "http://{}/v2/email/outbound-emails",
            listener.local_addr().unwrap()
        );
        tokio::spawn(axum::serve(listener, mail).into_future());
        Self {
            url,
            invoker,
            journal,
            mailboxes,
        }
    }

    async fn send(&self, body: &Value) -> (u16, Value) {
        let request = http::Request::post(&self.url)
            .header("content-type", "application/json")
            .body(axum::body::Body::from(body.to_string()))
            .unwrap();
        let (status, answer) = send(request).await;
        (status.as_u16(), answer)
    }

    fn inbox(&self) -> Vec<Mail> {
        let entries = self.journal.since(0);
        let mails = entries.iter().filter_map(|entry| match &entry.happening {
            Happening::Mail { mail } => Some(mail.clone()),
            _ => None,
        });
        mails.collect()
    }
}

fn welcome() -> Value {
    json!({
        "FromEmailAddress": "Roster <roster@example.com>",
        "Destination": { "ToAddresses": ["ada@example.com"] },
        "Content": { "Simple": {
            "Subject": { "Data": "Welcome", "Charset": "UTF-8" },
            "Body": { "Text": { "Data": "Hello" }, "Html": { "Data": "<p>Hello</p>" } },
            "Headers": [{ "Name": "Auto-Submitted", "Value": "auto-generated" }]
        }},
        "EmailTags": [{ "Name": "roster-claim", "Value": "welcome-1" }],
        "ConfigurationSetName": "mails"
    })
}

#[tokio::test]
async fn a_mail_stands_in_the_inbox_and_its_event_on_the_default_bus() {
    let stack = Stack::start().await;
    let (status, answer) = stack.send(&welcome()).await;
    assert_eq!(status, 200);
    let inbox = stack.inbox();
    assert_eq!(answer["MessageId"], inbox[0].id);
    assert_eq!(inbox[0].to, ["ada@example.com"]);
    assert_eq!(inbox[0].html.as_deref(), Some("<p>Hello</p>"));
    assert_eq!(inbox[0].headers["Auto-Submitted"], "auto-generated");
    let (function, event) = &stack.invoker.payloads()[0];
    assert_eq!(function, "RecordMail");
    assert_eq!(event["detail"]["eventType"], "Send");
    assert_eq!(event["detail"]["mail"]["messageId"], inbox[0].id);
    assert_eq!(
        event["detail"]["mail"]["tags"]["roster-claim"],
        json!(["welcome-1"])
    );
    assert_eq!(
        event["detail"]["mail"]["tags"]["ses:configuration-set"],
        json!(["mails"])
    );
}

#[tokio::test]
async fn what_becomes_of_a_mail_is_told_as_ses_tells_it() {
    let stack = Stack::start().await;
    stack.mailboxes.set("Told@example.com", Outcome::SoftBounce);
    for (to, kinds, pointer, value) in [
        (
            "ada@example.com",
            &["Send", "Delivery"][..],
            "/delivery/recipients/0",
            "ada@example.com",
        ),
        (
            "bounce@simulator.amazonses.com",
            &["Send", "Bounce"],
            "/bounce/bounceType",
            "Permanent",
        ),
        (
            "bounce+1@simulator.amazonses.com",
            &["Send", "Bounce"],
            "/bounce/bounceSubType",
            "General",
        ),
        (
            "suppressionlist@simulator.amazonses.com",
            &["Send", "Bounce"],
            "/bounce/bounceSubType",
            "Suppressed",
        ),
        (
            "complaint@simulator.amazonses.com",
            &["Send", "Delivery", "Complaint"],
            "/complaint/complaintFeedbackType",
            "abuse",
        ),
        (
            "success@simulator.amazonses.com",
            &["Send", "Delivery"],
            "/eventType",
            "Delivery",
        ),
        (
            "told@example.com",
            &["Send", "Bounce"],
            "/bounce/bounceType",
            "Transient",
        ),
    ] {
        let before = stack.invoker.payloads().len();
        let mut body = welcome();
        body["Destination"]["ToAddresses"] = json!([to]);
        assert_eq!(stack.send(&body).await.0, 200);
        let told = stack.invoker.payloads().split_off(before);
        let told_kinds: Vec<_> = told
            .iter()
            .map(|(_, event)| event["detail"]["eventType"].as_str().unwrap())
            .collect();
        assert_eq!(told_kinds, kinds, "{to}");
        let last = &told.last().unwrap().1;
        assert_eq!(last["detail"].pointer(pointer), Some(&json!(value)), "{to}");
        assert_eq!(
            last["detail"]["mail"]["tags"]["roster-claim"],
            json!(["welcome-1"])
        );
    }
    // The configuration set reports no rejects.
    stack.mailboxes.set("told@example.com", Outcome::Reject);
    let before = stack.invoker.payloads().len();
    let mut body = welcome();
    body["Destination"]["ToAddresses"] = json!(["told@example.com"]);
    stack.send(&body).await;
    assert_eq!(stack.invoker.payloads().len(), before + 1);
}

#[tokio::test]
async fn bad_requests_are_refused_as_ses_does() {
    let stack = Stack::start().await;
    let with = |pointer: &str, value: Value| {
        let mut body = welcome();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let many: Vec<String> = (0..51)
        .map(|number| format!("{number}@example.com"))
        .collect();
    for body in [
        with("/FromEmailAddress", json!(null)),
        with("/FromEmailAddress", json!("nobody")),
        with("/Destination/ToAddresses", json!([])),
        with("/Destination/ToAddresses", json!(many)),
        with("/Destination/ToAddresses", json!(["x y@example.com"])),
        with("/Destination/ToAddresses", json!(["renée@example.com"])),
        with("/Destination/ToAddresses", json!(["x@bücher.example"])),
        with("/Destination/ToAddresses", json!(["x@-a.example"])),
        with("/Destination/ToAddresses", json!(["x@a..example"])),
        with("/Destination/ToAddresses", json!([".x@example.com"])),
        with("/Destination/ToAddresses", json!(["a..b@example.com"])),
        with(
            "/Destination/ToAddresses",
            json!([format!("{}@example.com", "x".repeat(65))]),
        ),
        with("/Content/Simple/Headers/0/Name", json!("Auto Submitted")),
        with(
            "/Content/Simple/Headers/0/Value",
            json!("a\r\nBcc: x@example.com"),
        ),
        with("/Content/Simple/Body", json!({})),
        with("/Content", json!({ "Template": { "TemplateName": "x" } })),
        with("/EmailTags/0/Value", json!("CLAIM#mail#1")),
    ] {
        assert_eq!(stack.send(&body).await.0, 400, "{body}");
    }
    let (status, answer) = stack
        .send(&with("/ConfigurationSetName", json!("none")))
        .await;
    assert_eq!(
        (status, &answer["message"]),
        (404, &json!("Configuration set <none> does not exist."))
    );
    assert!(stack.inbox().is_empty());
}

#[tokio::test]
async fn without_a_configuration_set_there_is_no_event() {
    let stack = Stack::start().await;
    let mut body = welcome();
    body.as_object_mut().unwrap().remove("ConfigurationSetName");
    assert_eq!(stack.send(&body).await.0, 200);
    assert_eq!(stack.inbox().len(), 1);
    assert!(stack.invoker.payloads().is_empty());
}
