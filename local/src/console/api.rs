//! The journal and its companions as JSON.

use std::{collections::BTreeMap, convert::Infallible, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
    routing::{MethodRouter, get, put},
};
use futures::{Stream, StreamExt as _, stream};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    dynamodb::{Calls, Total},
    journal::{Happening, Journal},
    mail::{Mailboxes, Outcome},
    template::{Route, STACK},
    variables::Variables,
};

/// Entries a page gets of what was before it was opened.
const TAIL: usize = 5000;

/// A mail is not to be trusted: no scripts, no requests, no access to the console.
const MAIL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
     sandbox allow-popups allow-popups-to-escape-sandbox; frame-ancestors 'self'";

#[derive(Clone)]
struct Console {
    /// The stack's name, the API's address and its routes.
    stack: Arc<Value>,
    journal: Journal,
    calls: Calls,
    mailboxes: Mailboxes,
    variables: Arc<Variables>,
}

/// Which entries are wanted. Numbers start anew with each stack, times go on.
#[derive(Deserialize)]
struct Wanted {
    /// The last number that is known already.
    after: Option<usize>,
    /// The earliest time, in RFC 3339.
    since: Option<Timestamp>,
}

pub(super) fn router(setup: super::Console<'_>) -> Router {
    let route = |route: &Route| {
        json!({
            "method": route.method.as_deref().unwrap_or("ANY"),
            "path": route.path.as_deref().unwrap_or("$default"),
            "function": route.function,
        })
    };
    let routes: Vec<_> = setup.routes.iter().map(route).collect();
    let api = &setup.variables.api;
    let console = Console {
        stack: Arc::new(json!({ "name": STACK, "api": api, "routes": routes })),
        journal: setup.journal,
        calls: setup.calls,
        mailboxes: setup.mailboxes,
        variables: Arc::new(setup.variables),
    };
    let inbox = entries(|entry| matches!(entry, Happening::Mail { .. }));
    let events = entries(|entry| matches!(entry, Happening::Event { .. }));
    let dead_letters = entries(|entry| matches!(entry, Happening::DeadLetter { .. }));
    Router::new()
        .route("/inbox", inbox)
        .route("/inbox/{sequence}/html", get(html))
        .route("/events", events)
        .route("/dead-letters", dead_letters)
        .route("/routes", get(stack))
        .route("/calls", get(totals))
        .route("/mailboxes", get(chosen))
        .route("/mailboxes/{address}", put(choose))
        .route("/variables", get(variables))
        .route("/live", get(live))
        .with_state(console)
}

/// The journal's entries of one kind.
fn entries(wanted: fn(&Happening) -> bool) -> MethodRouter<Console> {
    get(
        move |State(console): State<Console>, Query(query): Query<Wanted>| async move {
            let from = query.after.map_or(0, |after| after.saturating_add(1));
            let entries = console.journal.since(from).into_iter();
            let wanted = entries.filter(|entry| {
                query.since.is_none_or(|since| entry.at >= since) && wanted(&entry.happening)
            });
            Json(wanted.map(|entry| json!(*entry)).collect::<Vec<_>>())
        },
    )
}

async fn stack(State(console): State<Console>) -> Json<Value> {
    Json(Value::clone(&console.stack))
}

async fn totals(State(console): State<Console>) -> Json<Vec<Total>> {
    Json(console.calls.totals())
}

async fn variables(State(console): State<Console>) -> Json<Variables> {
    Json(Variables::clone(&console.variables))
}

async fn chosen(State(console): State<Console>) -> Json<BTreeMap<String, Outcome>> {
    Json(console.mailboxes.chosen())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice {
    outcome: Outcome,
}

async fn choose(
    State(console): State<Console>,
    Path(address): Path<String>,
    Json(choice): Json<Choice>,
) -> StatusCode {
    console.mailboxes.set(&address, choice.outcome);
    StatusCode::NO_CONTENT
}

/// The HTML part of a mail. Its links open beside the console.
async fn html(State(console): State<Console>, Path(sequence): Path<usize>) -> Response {
    let entries = console.journal.since(sequence);
    let html = entries.first().and_then(|entry| match &entry.happening {
        Happening::Mail { mail } => mail.html.as_ref(),
        _ => None,
    });
    let Some(html) = html else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, MAIL_POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, format!("<base target=\"_blank\">{html}")).into_response()
}

/// The journal as server-sent events: the newest [`TAIL`] entries, then each new one. A browser
/// that lost the connection says in `Last-Event-ID` what it has.
async fn live(
    State(console): State<Console>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let seen = headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok()?.parse::<usize>().ok());
    let length = console.journal.subscribe();
    let oldest = length.borrow().saturating_sub(TAIL);
    let from = seen.map_or(oldest, |seen| seen.saturating_add(1).max(oldest));
    // The entries from where the reader is, as soon as there are any.
    let batches = stream::unfold(
        (console.journal, length, from),
        |(journal, mut length, from)| async move {
            length.wait_for(|length| *length > from).await.ok()?;
            let entries = journal.since(from);
            let next = from + entries.len();
            Some((entries, (journal, length, next)))
        },
    );
    let events = batches.flat_map(stream::iter).map(|entry| {
        let event = Event::default().id(entry.sequence.to_string());
        Ok(event.data(json!(*entry).to_string()))
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}
