//! The mail service: SES v2's `SendEmail` into the journal, which is the inbox.
//!
//! # Where it differs from SES
//! - Every sender is verified, nothing bounces, and there is no quota.
//! - There are no raw messages and no templates.
//! - The `Email Sent` event is published before `SendEmail` answers.

mod message;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::StatusCode,
    middleware,
    response::{IntoResponse, Response},
    routing::post,
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use self::message::Message;
use crate::{
    bus::{self, Bus, NewEvent},
    faults::{Fault, Faults},
    journal::{Happening, Journal, Mail},
    loopback,
    template::{ACCOUNT, ConfigurationSet, arn},
};

/// The mail service. Clones share everything.
#[derive(Clone)]
pub struct MailService(Arc<Inner>);

struct Inner {
    configuration_sets: Vec<ConfigurationSet>,
    journal: Journal,
    bus: Bus,
    faults: Faults,
}

/// An error code with its message.
#[derive(Debug)]
struct Refusal(&'static str, String);

impl MailService {
    /// A service which publishes its events on `bus`.
    pub fn new(configuration_sets: Vec<ConfigurationSet>, journal: Journal, bus: Bus) -> Self {
        Self(Arc::new(Inner {
            configuration_sets,
            journal,
            bus,
            faults: Faults::default(),
        }))
    }

    /// The endpoint.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/v2/email/outbound-emails", post(handle))
            .layer(middleware::from_fn(loopback::guard))
            .with_state(self.clone())
    }

    /// Orders faults of `SendEmail`: without the mail being accepted, or after it was.
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    fn send(&self, body: &[u8]) -> Result<String, Refusal> {
        let message = Message::read(body)?;
        let set = message.configuration_set.as_deref();
        let set = set.map(|name| self.configuration_set(name)).transpose()?;
        if set.is_some_and(|set| !set.sending) {
            let message = "Sending is paused for the configuration set.".to_owned();
            return Err(Refusal("SendingPausedException", message));
        }
        let fault = self.0.faults.take();
        if let Some(Fault::Refused(code)) = fault {
            return Err(Refusal(code, "ordered by a test".to_owned()));
        }
        let id = self.accept(message, set);
        match fault {
            Some(Fault::LostReply(code)) => Err(Refusal(code, "ordered by a test".to_owned())),
            _ => Ok(id),
        }
    }

    fn configuration_set(&self, name: &str) -> Result<&ConfigurationSet, Refusal> {
        let mut sets = self.0.configuration_sets.iter();
        sets.find(|set| set.name == name).ok_or_else(|| {
            let message = format!("Configuration set <{name}> does not exist.");
            Refusal("NotFoundException", message)
        })
    }

    fn accept(&self, message: Message, set: Option<&ConfigurationSet>) -> String {
        let id = format!(
            "{:016x}-{}-000000",
            Timestamp::now().as_millisecond(),
            Uuid::new_v4()
        );
        let mail = Mail {
            id: id.clone(),
            from: message.from,
            to: message.to,
            subject: message.subject,
            text: message.text,
            html: message.html,
            tags: message.tags,
        };
        let event = set.filter(|set| set.event_kinds.iter().any(|kind| kind == "SEND"));
        let event = event.map(|set| Self::sent(&mail, set));
        self.0.journal.append(Happening::Mail { mail });
        if let Some(event) = event
            && let Err(error) = self.0.bus.publish(bus::DEFAULT, &event)
        {
            tracing::error!("the event of a mail was not published: {error}");
        }
        id
    }

    /// The event of an accepted mail ("Monitoring SES events using Amazon `EventBridge`").
    fn sent(mail: &Mail, set: &ConfigurationSet) -> NewEvent {
        let now = Timestamp::now();
        let mut tags: Map<String, Value> = mail
            .tags
            .iter()
            .map(|(name, value)| (name.clone(), json!([value])))
            .collect();
        tags.insert("ses:configuration-set".to_owned(), json!([set.name]));
        tags.insert("ses:operation".to_owned(), json!(["SendEmail"]));
        NewEvent {
            source: "aws.ses".to_owned(),
            detail_type: "Email Sent".to_owned(),
            detail: json!({
                "eventType": "Send",
                "mail": {
                    "timestamp": format!("{now:.3}"),
                    "source": mail.from,
                    "sendingAccountId": ACCOUNT,
                    "messageId": mail.id,
                    "destination": mail.to,
                    "headersTruncated": false,
                    "headers": [],
                    "commonHeaders": {
                        "from": [mail.from],
                        "to": mail.to,
                        "messageId": mail.id,
                        "subject": mail.subject,
                    },
                    "tags": tags,
                },
                "send": {},
            }),
            resources: vec![arn("ses", &format!("configuration-set/{}", set.name))],
            time: Some(now),
        }
    }
}

async fn handle(State(service): State<MailService>, body: Bytes) -> Response {
    match service.send(&body) {
        Ok(id) => Json(json!({ "MessageId": id })).into_response(),
        Err(Refusal(code, message)) => {
            let status = match code {
                "NotFoundException" => StatusCode::NOT_FOUND,
                "TooManyRequestsException" => StatusCode::TOO_MANY_REQUESTS,
                code if code.starts_with("Internal") => StatusCode::INTERNAL_SERVER_ERROR,
                _ => StatusCode::BAD_REQUEST,
            };
            let body = Json(json!({ "message": message }));
            (status, [("x-amzn-errortype", code)], body).into_response()
        }
    }
}
