//! From the streams to the observers.

use std::collections::VecDeque;

use serde_json::{Value, json};
use shared::{
    application::{mail::CLAIM_TAG, ports::Handled},
    domain::DomainEvent,
    lambda::relay::relay_batch,
};

use crate::{
    template,
    world::{ATTEMPTS, CLIENT_PAUSE, LAMBDA_PAUSE, World},
};

/// An event on its way to an observer.
#[derive(Clone)]
pub(crate) struct Delivery {
    function: String,
    detail: Value,
    attempts: u32,
    is_report: bool,
}

/// How far everything is.
#[derive(Clone, Default)]
pub(crate) struct Progress {
    /// Events of the outbox which the relay is done with.
    relayed: usize,
    /// The batch that the bus refused last.
    refused: Option<usize>,
    /// Events which the bus has handed to its rules.
    routed: usize,
    /// Mails which the mail service has reported.
    reported: usize,
    /// Messages which the queue for other services has handed out.
    taken: usize,
    waiting: VecDeque<Delivery>,
    /// Messages that the function put back: they come with the next thing that happens.
    put_back: Vec<Delivery>,
}

impl World<'_> {
    /// Everything is relayed, delivered and reported.
    pub(crate) async fn settle(&self) {
        {
            let mut progress = self.progress.borrow_mut();
            let put_back = std::mem::take(&mut progress.put_back);
            progress.waiting.extend(put_back);
        }
        for attempt in 1.. {
            assert!(attempt < 10_000, "it does not come to rest");
            self.relay().await;
            self.route();
            let Some(delivery) = self.next() else {
                let relayed = self.progress.borrow().relayed;
                if self.backend.outbox_from(relayed).is_empty() {
                    return;
                }
                continue;
            };
            self.deliver(delivery).await;
        }
    }

    /// The streams forget what was not relayed yet.
    pub(crate) fn forget_streams(&self) {
        self.progress.borrow_mut().relayed = self.backend.outbox_from(0).len();
    }

    /// One invocation of the relay with all that is new in the streams.
    async fn relay(&self) {
        let from = self.progress.borrow().relayed;
        let events = self.backend.outbox_from(from);
        if events.is_empty() {
            return;
        }
        self.note("PublishEvents");
        let publish = publish_events::publish_events::PublishEvents {
            bus: self.backend.clone(),
            env: self.backend.env(),
        };
        let batch = async || {
            let records = events.iter().zip(from..);
            let records: Vec<Value> = records.map(|(event, at)| record(at, event)).collect();
            let records = serde_json::from_value(json!(records)).expect("records");
            let publish = async |events: Vec<DomainEvent>| publish.execute(&events).await;
            relay_batch(&*self.backend, records, publish).await
        };
        if self.travel().twice {
            // Whatever it says, the stream brings the batch again.
            let _ = self.backend.run(batch()).await;
        }
        if self.travel().throttled && self.progress.borrow_mut().refused.replace(from) != Some(from)
        {
            // More than half of it, three times.
            self.backend
                .refuse_events(3 * events.len() - events.len() / 2);
        }
        let answer = self.backend.run(batch()).await;
        self.backend.refuse_events(0);
        let relayed = match &answer {
            None => from,
            Some(answer) => match answer.batch_item_failures.first() {
                None => from + events.len(),
                Some(failure) => {
                    let failed = failure.item_identifier.as_deref();
                    failed.and_then(|at| at.parse().ok()).expect("a position")
                }
            },
        };
        self.progress.borrow_mut().relayed = relayed;
        if relayed < from + events.len() {
            self.backend.advance(CLIENT_PAUSE);
        }
    }

    /// What the bus accepted goes to the rules, and so does what the mail service reports.
    fn route(&self) {
        let mut progress = self.progress.borrow_mut();
        for event in self.backend.published_from(progress.routed) {
            progress.routed += 1;
            let detail = event.to_cloud_event();
            self.send(&mut progress, "roster", &event.kind.to_string(), &detail);
        }
        for (mail, lease) in self.backend.mails_from(progress.reported) {
            progress.reported += 1;
            let about = json!({"tags": {CLAIM_TAG: [lease.key]}, "destination": [mail.to]});
            let sent = json!({"eventType": "Send", "mail": about});
            self.send(&mut progress, "aws.ses", "Email Sent", &sent);
            let delivered = json!({
                "eventType": "Delivery",
                "mail": about,
                "delivery": {"timestamp": "2026-01-01T00:00:00.000Z"},
            });
            self.send(&mut progress, "aws.ses", "Email Delivered", &delivered);
        }
        for queued in self.backend.queued_from(progress.taken) {
            progress.taken += 1;
            for mapping in &self.deployment.model.queue_mappings {
                self.hand_over(&mut progress, &mapping.function, &json!(queued), false);
            }
        }
    }

    fn send(&self, progress: &mut Progress, source: &str, kind: &str, detail: &Value) {
        for function in template::observers_of(self.deployment.model, source, kind, detail) {
            self.hand_over(progress, &function, detail, source != "roster");
        }
    }

    fn hand_over(&self, progress: &mut Progress, function: &str, detail: &Value, is_report: bool) {
        for _ in 0..=u32::from(self.travel().twice) {
            progress.waiting.push_back(Delivery {
                function: function.to_owned(),
                detail: detail.clone(),
                attempts: 0,
                is_report,
            });
        }
    }

    fn next(&self) -> Option<Delivery> {
        let waiting = &mut self.progress.borrow_mut().waiting;
        let preferred = |delivery: &Delivery| delivery.is_report == self.travel().reports_first;
        let place = if self.travel().newest_first {
            waiting.iter().rposition(preferred)
        } else {
            waiting.iter().position(preferred)
        };
        waiting.remove(place.unwrap_or(0))
    }

    /// One invocation of an observer. What fails comes again, after all else.
    async fn deliver(&self, delivery: Delivery) {
        let Delivery {
            function,
            detail,
            attempts,
            is_report,
        } = delivery;
        self.note(&function);
        let observer = self.deployment.observers.get(function.as_str());
        let observer = observer.unwrap_or_else(|| panic!("{function} is not wired"));
        let observed = observer(&self.backend, detail.clone());
        let outcome = self.backend.run(observed).await;
        if let Some(Ok(Handled::Done)) = outcome {
            return;
        }
        assert!(attempts < ATTEMPTS, "{function}: {detail}: {outcome:?}");
        let again = Delivery {
            function,
            detail,
            attempts: attempts + 1,
            is_report,
        };
        let progress = &mut self.progress.borrow_mut();
        if let Some(Ok(Handled::Later)) = outcome {
            progress.put_back.push(again);
        } else {
            self.backend.advance(LAMBDA_PAUSE);
            progress.waiting.push_back(again);
        }
    }
}

/// What the stream of a table says of a write with `event`.
fn record(at: usize, event: &DomainEvent) -> Value {
    let (keys, image) = if let Some((user, version)) = event.user_id.zip(event.version) {
        let sort_key = format!("EVENT#{:012}", version.get());
        (
            json!({"pk": {"S": format!("USER#{user}")}, "sk": {"S": sort_key}}),
            json!({}),
        )
    } else {
        let item: serde_dynamo::Item =
            serde_dynamo::to_item(json!({"event": event})).expect("an item");
        (
            json!({"pk": {"S": "ITEM"}, "sk": {"S": "ITEM"}}),
            json!(item),
        )
    };
    json!({
        "awsRegion": "eu-central-1",
        "eventID": at.to_string(),
        "eventName": "INSERT",
        "dynamodb": {
            "Keys": keys,
            "NewImage": image,
            "SequenceNumber": at.to_string(),
            "SizeBytes": 1,
        },
    })
}
