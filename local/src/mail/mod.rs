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

use crate::{
    bus::{Bus, NewEvent},
    journal::{Happening, Journal, Mail},
    loopback,
    template::{ACCOUNT, ConfigurationSet, DEFAULT_BUS, arn},
};

struct MailService {
    configuration_sets: Vec<ConfigurationSet>,
    journal: Journal,
    bus: Bus,
}

/// An error code with its message.
#[derive(Debug)]
struct Refusal(&'static str, String);

/// The endpoint, which publishes its events on `bus`.
pub(crate) fn router(
    configuration_sets: Vec<ConfigurationSet>,
    journal: Journal,
    bus: Bus,
) -> Router {
    let service = MailService {
        configuration_sets,
        journal,
        bus,
    };
    Router::new()
        .route("/v2/email/outbound-emails", post(handle))
        .layer(middleware::from_fn(loopback::guard))
        .with_state(Arc::new(service))
}

impl MailService {
    fn send(&self, body: &[u8]) -> Result<String, Refusal> {
        let id = format!(
            "{:016x}-{}-000000",
            Timestamp::now().as_millisecond(),
            Uuid::new_v4()
        );
        let (mail, set) = message::read(id.clone(), body)?;
        let set = set.map(|name| self.configuration_set(&name)).transpose()?;
        if set.is_some_and(|set| !set.sending_options.sending_enabled) {
            let message = "Sending is paused for the configuration set.".to_owned();
            return Err(Refusal("SendingPausedException", message));
        }
        let event = set.filter(|set| set.event_kinds.iter().any(|kind| kind == "SEND"));
        let event = event.map(|set| Self::sent(&mail, set));
        self.journal.append(Happening::Mail { mail });
        if let Some(event) = event {
            self.bus.publish(DEFAULT_BUS, &event);
        }
        Ok(id)
    }

    fn configuration_set(&self, name: &str) -> Result<&ConfigurationSet, Refusal> {
        let mut sets = self.configuration_sets.iter();
        sets.find(|set| set.name == name).ok_or_else(|| {
            let message = format!("Configuration set <{name}> does not exist.");
            Refusal("NotFoundException", message)
        })
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

async fn handle(State(service): State<Arc<MailService>>, body: Bytes) -> Response {
    match service.send(&body) {
        Ok(id) => Json(json!({ "MessageId": id })).into_response(),
        Err(Refusal(code, message)) => {
            let status = match code {
                "NotFoundException" => StatusCode::NOT_FOUND,
                _ => StatusCode::BAD_REQUEST,
            };
            let body = Json(json!({ "message": message }));
            (status, [("x-amzn-errortype", code)], body).into_response()
        }
    }
}
