//! The journal and its companions as JSON.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
    routing::get,
};
use futures::{Stream, StreamExt as _, stream};
use serde::Deserialize;
use tokio::sync::watch;

use super::Config;
use crate::{
    dynamodb::{Calls, Total},
    journal::{Entry, Happening, Journal},
};

/// Entries a page gets of what was before it was opened.
const TAIL: usize = 5000;

/// A mail is somebody else's document: no scripts, no requests, no access to the console.
const MAIL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
     sandbox allow-popups allow-popups-to-escape-sandbox; frame-ancestors 'self'";

#[derive(Clone)]
struct Console {
    config: Arc<Config>,
    journal: Journal,
    calls: Calls,
}

#[derive(Deserialize)]
struct After {
    after: Option<usize>,
}

pub(super) fn router(config: Config, journal: Journal, calls: Calls) -> Router {
    let console = Console {
        config: Arc::new(config),
        journal,
        calls,
    };
    Router::new()
        .route(
            "/inbox",
            entries(|entry| matches!(entry, Happening::Mail { .. })),
        )
        .route("/inbox/{sequence}/html", get(html))
        .route(
            "/events",
            entries(|entry| matches!(entry, Happening::Event { .. })),
        )
        .route(
            "/dead-letters",
            entries(|entry| matches!(entry, Happening::DeadLetter { .. })),
        )
        .route("/routes", get(routes))
        .route("/calls", get(totals))
        .route("/live", get(live))
        .with_state(console)
}

/// The journal's entries of one kind, those after `?after=` only.
fn entries(wanted: fn(&Happening) -> bool) -> axum::routing::MethodRouter<Console> {
    get(
        move |State(console): State<Console>, Query(query): Query<After>| async move {
            let from = query.after.map_or(0, |after| after.saturating_add(1));
            let entries = console.journal.since(from).into_iter();
            let wanted: Vec<Arc<Entry>> =
                entries.filter(|entry| wanted(&entry.happening)).collect();
            Json(
                wanted
                    .iter()
                    .map(|entry| entry_json(entry))
                    .collect::<Vec<_>>(),
            )
        },
    )
}

fn entry_json(entry: &Entry) -> serde_json::Value {
    serde_json::to_value(entry).unwrap_or_default()
}

async fn routes(State(console): State<Console>) -> Json<Config> {
    Json(Config::clone(&console.config))
}

async fn totals(State(console): State<Console>) -> Json<Vec<Total>> {
    Json(console.calls.totals())
}

/// The HTML part of a mail. Its links open beside the console.
async fn html(State(console): State<Console>, Path(sequence): Path<usize>) -> Response {
    let entries = console.journal.since(sequence);
    let Some(Happening::Mail { mail }) = entries.first().map(|entry| &entry.happening) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Some(html) = &mail.html else {
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
    headers: axum::http::HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let seen = headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok()?.parse::<usize>().ok());
    let length = console.journal.subscribe();
    let oldest = length.borrow().saturating_sub(TAIL);
    let from = seen.map_or(oldest, |seen| seen.saturating_add(1).max(oldest));
    let batches = stream::unfold((console.journal, length, from), next);
    Sse::new(batches.flat_map(stream::iter)).keep_alive(KeepAlive::default())
}

type Following = (Journal, watch::Receiver<usize>, usize);

/// The entries from where the reader is, as soon as there are any.
async fn next(
    (journal, mut length, from): Following,
) -> Option<(Vec<Result<Event, Infallible>>, Following)> {
    let grown = length.wait_for(|length| *length > from).await.is_ok();
    let entries = grown.then(|| journal.since(from))?;
    let next = from + entries.len();
    let events = entries
        .iter()
        .map(|entry| {
            let event = Event::default().id(entry.sequence.to_string());
            Ok(event.data(entry_json(entry).to_string()))
        })
        .collect();
    Some((events, (journal, length, next)))
}
