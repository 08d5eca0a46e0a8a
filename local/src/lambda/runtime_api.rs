//! The Runtime API: how a process asks for events and answers them.
//!
//! Each environment has a server of its own, since `AWS_LAMBDA_RUNTIME_API` is a host and a port.

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use crate::invoke::{InvokeError, LONGEST_PAYLOAD};

/// What a process says through its Runtime API.
#[derive(Debug)]
pub(super) enum Call {
    /// It is ready for an event.
    Next(oneshot::Sender<Delivery>),
    /// It is done with an event.
    Done {
        request_id: String,
        result: Result<Value, InvokeError>,
        /// Told whether the process has that event.
        accepted: oneshot::Sender<bool>,
    },
    /// It cannot start.
    InitFailed(Value),
}

/// An event on its way to the process.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) request_id: String,
    pub(super) arn: String,
    /// Milliseconds since 1970 at which the time-out runs out.
    pub(super) deadline: i64,
    pub(super) payload: Bytes,
}

type Calls = mpsc::Sender<Call>;

/// The Runtime API of one environment; what the process says goes to `calls`.
pub(super) fn router(calls: Calls) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route(
            "/2018-06-01/runtime/invocation/{request_id}/response",
            post(response),
        )
        .route(
            "/2018-06-01/runtime/invocation/{request_id}/error",
            post(error),
        )
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .with_state(calls)
}

async fn next(State(calls): State<Calls>) -> Response {
    let (sender, delivery) = oneshot::channel();
    if calls.send(Call::Next(sender)).await.is_err() {
        return gone();
    }
    let Ok(delivery) = delivery.await else {
        return gone();
    };
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", delivery.request_id),
        ("lambda-runtime-deadline-ms", delivery.deadline.to_string()),
        ("lambda-runtime-invoked-function-arn", delivery.arn),
        ("lambda-runtime-trace-id", trace_id()),
    ];
    (headers, delivery.payload).into_response()
}

/// A trace id in X-Ray's form, not sampled.
fn trace_id() -> String {
    let trace = uuid::Uuid::new_v4().simple().to_string();
    let (time, rest) = trace.split_at(8);
    let parent = uuid::Uuid::new_v4().simple().to_string();
    format!(
        "Root=1-{time}-{rest};Parent={};Sampled=0",
        parent.split_at(16).0
    )
}

async fn response(
    State(calls): State<Calls>,
    Path(request_id): Path<String>,
    body: Body,
) -> Response {
    let failure = |kind, message: String| InvokeError::Function(error_document(kind, &message));
    let bytes = axum::body::to_bytes(body, LONGEST_PAYLOAD).await;
    let bytes = bytes.map_err(|_| {
        let message = format!(
            "Response payload size exceeded maximum allowed payload size ({LONGEST_PAYLOAD} bytes)."
        );
        failure("Function.ResponseSizeTooLarge", message)
    });
    let result = bytes.and_then(|bytes| {
        serde_json::from_slice(&bytes).map_err(|error| {
            let message = format!("the answer is not JSON: {error}");
            failure("Runtime.InvalidResponse", message)
        })
    });
    done(&calls, request_id, result).await
}

async fn error(
    State(calls): State<Calls>,
    Path(request_id): Path<String>,
    body: Bytes,
) -> Response {
    let error = InvokeError::Function(document(&body));
    done(&calls, request_id, Err(error)).await
}

async fn init_error(State(calls): State<Calls>, body: Bytes) -> Response {
    match calls.send(Call::InitFailed(document(&body))).await {
        Ok(()) => accepted(),
        Err(_) => gone(),
    }
}

async fn done(calls: &Calls, request_id: String, result: Result<Value, InvokeError>) -> Response {
    let (sender, is_accepted) = oneshot::channel();
    let call = Call::Done {
        request_id,
        result,
        accepted: sender,
    };
    if calls.send(call).await.is_err() {
        return gone();
    }
    match is_accepted.await {
        Ok(true) => accepted(),
        Ok(false) => {
            let body = error_document("InvalidRequestID", "Invalid request ID");
            (StatusCode::BAD_REQUEST, Json(body)).into_response()
        }
        Err(_) => gone(),
    }
}

/// The error document of a process; a process that sends something else gets it as the message.
fn document(body: &[u8]) -> Value {
    serde_json::from_slice(body)
        .unwrap_or_else(|_| error_document("Unhandled", &String::from_utf8_lossy(body)))
}

fn error_document(kind: &str, message: &str) -> Value {
    json!({ "errorType": kind, "errorMessage": message })
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, Json(json!({ "status": "OK" }))).into_response()
}

/// The environment is being ended.
fn gone() -> Response {
    StatusCode::GONE.into_response()
}
