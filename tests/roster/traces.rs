//! A trace, from a request by the outbox to those who observe the event.

use local::journal::{Entry, Happening};
use reqwest::Method;

use crate::support::{on_shared_stack, patiently, sign_up_body, unique_email};

/// No other test sends it.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[test]
fn what_a_request_causes_is_in_its_trace() {
    on_shared_stack(async |roster| {
        let traceparent = format!("00-{TRACE}-b7ad6b7169203331-01");
        let body = sign_up_body(&unique_email("trace"));
        let request = roster.request(Method::POST, "/users").json(&body);
        // Not by way of the contract: the header is that of every request, and of no operation.
        let request = request.header("traceparent", &traceparent).send();
        let answer = patiently("an answer", request).await.unwrap();
        assert_eq!(answer.status(), 201);

        let user: serde_json::Value = answer.json().await.unwrap();
        let id = &user["id"];
        let of_user = |entry: &Entry| match &entry.happening {
            Happening::Event { event, .. } if event["detail"]["subject"] == *id => {
                Some(event["detail"]["traceparent"].clone())
            }
            _ => None,
        };
        let event = patiently("the event", roster.stack.journal.wait_for(0, of_user)).await;
        assert_eq!(event, traceparent);

        for (function, message) in [
            ("CreateUser", "answered"),
            ("OnUserCreated", "observed"),
            ("RecordAudit", "observed"),
        ] {
            let is_traced = |entry: &Entry| match &entry.happening {
                Happening::Log { function: of, line } => {
                    (of == function && line.contains(TRACE) && line.contains(message)).then_some(())
                }
                _ => None,
            };
            patiently(function, roster.stack.journal.wait_for(0, is_traced)).await;
        }
    });
}
