//! The mail service: SES v2's `SendEmail` into the journal, which is the inbox.
//!
//! # Where it differs from SES
//! - Every sender is verified, and there is no quota.
//! - There are no raw messages and no templates.
//! - What becomes of a mail is told before `SendEmail` answers, and by the mailbox simulator's addresses or
//!   by [`Mailboxes`]; SES keeps no suppression list of its own.

mod address;
mod events;
mod mailboxes;
mod message;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::{
    bus::Bus,
    journal::{Happening, Journal},
    template::{ConfigurationSet, DEFAULT_BUS},
};

pub use mailboxes::{Mailboxes, Outcome};

struct MailService {
    configuration_sets: Vec<ConfigurationSet>,
    mailboxes: Mailboxes,
    journal: Journal,
    bus: Bus,
}

/// An error code with its message.
#[derive(Debug)]
struct Refusal(&'static str, String);

/// The endpoint, which publishes its events on `bus`.
pub(crate) fn router(
    configuration_sets: Vec<ConfigurationSet>,
    mailboxes: Mailboxes,
    journal: Journal,
    bus: Bus,
) -> Router {
    let service = MailService {
        configuration_sets,
        mailboxes,
        journal,
        bus,
    };
    Router::new()
        .route("/v2/email/outbound-emails", post(handle))
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
        // Of several receivers the first one decides: a mail that means one person has one.
        let outcome = self.mailboxes.outcome(&mail.to[0]);
        let events = set.map(|set| events::of(&mail, set, outcome));
        self.journal.append(Happening::Mail { mail });
        for event in events.iter().flatten() {
            self.bus.publish(DEFAULT_BUS, event);
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
