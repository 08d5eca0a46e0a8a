//! Posts the events of the template's buses to a program under development, as a rule with an API
//! destination would: one event at a time, in order, each until it is accepted.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Request, Uri, header},
};
use serde_json::{Value, json};

use crate::{
    journal::{Happening, Journal},
    loopback::{self, Client},
    template::DEFAULT_BUS,
};

/// Tries of one event, with pauses that double from [`FIRST_PAUSE`] to [`LONGEST_PAUSE`]: some six minutes.
const TRIES: usize = 16;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Longest time for one answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Reads an address that events can be posted to.
///
/// # Errors
/// Says what is wrong with it.
pub fn receiver(text: &str) -> Result<Uri, &'static str> {
    let uri: Uri = text.parse().map_err(|_| "is not a URL")?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http"), Some(_)) => Ok(uri),
        _ => Err("must begin with http:// and a host"),
    }
}

/// Posts every event of the template's buses to `receiver`, from the first one on. Never ends.
pub(crate) async fn run(receiver: Uri, journal: Journal) {
    let client = loopback::client();
    let mut from = 0;
    loop {
        let next = journal.wait_for(from, |entry| match &entry.happening {
            Happening::Event { bus, event, .. } if bus != DEFAULT_BUS => {
                Some((entry.sequence + 1, cloud_event(event)))
            }
            _ => None,
        });
        let (after, event) = next.await;
        from = after;
        if let Err(problem) = deliver(&client, &receiver, &event).await {
            tracing::warn!(id = %event["id"], %receiver, problem, "an event is passed over");
        }
    }
}

async fn deliver(client: &Client, receiver: &Uri, event: &Value) -> Result<(), String> {
    let mut pause = FIRST_PAUSE;
    let mut problem = String::new();
    for attempt in 0..TRIES {
        if attempt > 0 {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        let request = Request::post(receiver)
            .header(header::CONTENT_TYPE, "application/cloudevents+json")
            .body(Body::from(event.to_string()))
            .map_err(|error| error.to_string())?;
        problem = match tokio::time::timeout(TIMEOUT, client.request(request)).await {
            Ok(Ok(answer)) if answer.status().is_success() => return Ok(()),
            Ok(Ok(answer)) => format!("it answers {}", answer.status()),
            Ok(Err(error)) => error.to_string(),
            Err(_elapsed) => "it does not answer".to_owned(),
        };
    }
    Err(problem)
}

/// An event of a bus as a `CloudEvent` (1.0, structured mode): its detail if that is one already.
fn cloud_event(event: &Value) -> Value {
    let detail = &event["detail"];
    if detail["specversion"].is_string() {
        return detail.clone();
    }
    json!({
        "specversion": "1.0",
        "id": event["id"],
        "source": event["source"],
        "type": event["detail-type"],
        "time": event["time"],
        "datacontenttype": "application/json",
        "data": detail,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
    use tokio::sync::watch;

    use super::*;

    type Seen = Arc<(Mutex<Vec<Value>>, watch::Sender<usize>)>;

    /// Refuses the first request, and takes what comes then.
    async fn take(State(seen): State<Seen>, Json(event): Json<Value>) -> StatusCode {
        let length = {
            let mut events = seen.0.lock().unwrap();
            events.push(event);
            events.len()
        };
        seen.1.send_replace(length);
        match length {
            1 => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::NO_CONTENT,
        }
    }

    #[tokio::test]
    async fn each_event_is_posted_in_order_until_it_is_accepted() {
        let seen: Seen = Arc::new((Mutex::default(), watch::Sender::new(0)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/events", listener.local_addr().unwrap());
        let receiver_app = Router::new()
            .route("/events", post(take))
            .with_state(seen.clone());
        tokio::spawn(async move { axum::serve(listener, receiver_app).await });
        let journal = Journal::default();
        tokio::spawn(run(receiver(&url).unwrap(), journal.clone()));
        let cloud = json!({"specversion": "1.0", "id": "1", "type": "Made"});
        let other = json!({"to": "ann"});
        for (bus, detail) in [("shop", &cloud), (DEFAULT_BUS, &other), ("shop", &other)] {
            journal.append(Happening::Event {
                bus: bus.to_owned(),
                event: json!({
                    "id": "2", "source": "shop", "detail-type": "Sent",
                    "time": "2026-01-01T00:00:00Z", "detail": detail,
                }),
                targets: Vec::new(),
            });
        }
        seen.1
            .subscribe()
            .wait_for(|count| *count == 3)
            .await
            .unwrap();
        let events = seen.0.lock().unwrap().clone();
        assert_eq!(events[0], cloud);
        assert_eq!(events[1], cloud);
        assert_eq!(events[2]["type"], "Sent");
        assert_eq!(events[2]["data"], other);
        assert_eq!(events[2]["specversion"], "1.0");
    }

    #[test]
    fn events_go_to_http_addresses_alone() {
        assert!(receiver("http://localhost:4800/hook").is_ok());
        for text in [
            "localhost:4800",
            "https://localhost",
            "/hook",
            "",
            "http://",
        ] {
            assert!(receiver(text).is_err(), "{text}");
        }
    }
}
