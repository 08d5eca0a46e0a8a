//! `PutEvents` over HTTP (AWS's JSON 1.1 protocol).

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Bus, NewEvent};
use crate::template::DEFAULT_BUS;

/// Entries in a request, by the `PutEvents` reference.
const ENTRIES: usize = 10;
/// Bytes of all entries of a request together, as the User Guide counts them.
const BYTES: usize = 256 * 1024;
/// What a time counts for.
const TIME_BYTES: usize = 14;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutEvents {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    source: Option<String>,
    detail_type: Option<String>,
    detail: Option<String>,
    event_bus_name: Option<String>,
    #[serde(default)]
    resources: Vec<String>,
    /// Seconds since 1970.
    time: Option<f64>,
}

/// An error code with its message.
struct Refusal(&'static str, String);

type Accepted<T> = Result<T, Refusal>;

pub(super) fn router(bus: Bus) -> Router {
    Router::new().route("/", post(handle)).with_state(bus)
}

async fn handle(State(bus): State<Bus>, headers: HeaderMap, body: Bytes) -> Response {
    match answer(&bus, &headers, &body) {
        Ok(answer) => Json(answer).into_response(),
        Err(Refusal(code, message)) => {
            let body = Json(json!({ "__type": code, "message": message }));
            (StatusCode::BAD_REQUEST, body).into_response()
        }
    }
}

fn answer(bus: &Bus, headers: &HeaderMap, body: &[u8]) -> Accepted<Value> {
    let target = headers.get("x-amz-target").map(HeaderValue::as_bytes);
    if target != Some(b"AWSEvents.PutEvents") {
        let message = "only PutEvents is there locally".to_owned();
        return Err(Refusal("UnknownOperationException", message));
    }
    let request: PutEvents = serde_json::from_slice(body)
        .map_err(|error| Refusal("SerializationException", error.to_string()))?;
    check_size(&request.entries)?;
    let entries: Vec<Value> = request
        .entries
        .into_iter()
        .map(|entry| match put(bus, entry) {
            Ok(id) => json!({ "EventId": id }),
            Err(Refusal(code, message)) => json!({ "ErrorCode": code, "ErrorMessage": message }),
        })
        .collect();
    let failed = entries
        .iter()
        .filter(|entry| entry.get("ErrorCode").is_some());
    Ok(json!({ "FailedEntryCount": failed.count(), "Entries": entries }))
}

fn check_size(entries: &[Entry]) -> Accepted<()> {
    if entries.is_empty() || entries.len() > ENTRIES {
        let message = format!(
            "1 validation error detected: Value at 'entries' failed to satisfy constraint: \
             Member must have length between 1 and {ENTRIES}, inclusive"
        );
        return Err(Refusal("ValidationException", message));
    }
    if entries.iter().map(Entry::bytes).sum::<usize>() > BYTES {
        let message = "Total size of the entries in the request is over the limit.".to_owned();
        return Err(Refusal("ValidationException", message));
    }
    Ok(())
}

fn put(bus: &Bus, entry: Entry) -> Accepted<String> {
    let name = entry.event_bus_name.as_deref().unwrap_or(DEFAULT_BUS);
    // A bus can be named by its ARN too.
    let name = name.rsplit('/').next().unwrap_or(name).to_owned();
    let event = entry.into_event()?;
    bus.publish(&name, &event).ok_or_else(|| {
        let reason = format!("there is no event bus {name}");
        invalid("EventBusName", &reason)
    })
}

impl Entry {
    fn bytes(&self) -> usize {
        let texts = [&self.source, &self.detail_type, &self.detail];
        texts
            .into_iter()
            .flatten()
            .chain(&self.resources)
            .map(String::len)
            .chain(self.time.map(|_| TIME_BYTES))
            .sum()
    }

    fn into_event(self) -> Accepted<NewEvent> {
        let source = required("Source", self.source)?;
        if source.starts_with("aws.") {
            let message = "Not authorized for the source.".to_owned();
            return Err(Refusal("NotAuthorizedForSourceException", message));
        }
        let detail_type = required("DetailType", self.detail_type)?;
        let detail = required("Detail", self.detail)?;
        let detail: Value = serde_json::from_str(&detail)
            .ok()
            .filter(Value::is_object)
            .ok_or_else(|| Refusal("MalformedDetail", "Detail is malformed.".to_owned()))?;
        let time = self.time.map(timestamp).transpose()?;
        Ok(NewEvent {
            source,
            detail_type,
            detail,
            resources: self.resources,
            time,
        })
    }
}

fn required(name: &str, value: Option<String>) -> Accepted<String> {
    let value = value.filter(|value| !value.is_empty());
    value.ok_or_else(|| invalid(name, &format!("{name} is a required argument")))
}

fn invalid(name: &str, reason: &str) -> Refusal {
    let message = format!("Parameter {name} is not valid. Reason: {reason}.");
    Refusal("InvalidArgument", message)
}

fn timestamp(seconds: f64) -> Accepted<Timestamp> {
    let time = SignedDuration::try_from_secs_f64(seconds).and_then(Timestamp::from_duration);
    time.map_err(|error| Refusal("SerializationException", error.to_string()))
}
