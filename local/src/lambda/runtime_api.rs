//! The Runtime API: how a process asks for events and answers them.
//!
//! Each environment has a server of its own, since `AWS_LAMBDA_RUNTIME_API` is a host and a port.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use crate::invoke::{InvokeError, LONGEST_PAYLOAD};

/// What a process says through its Runtime API.
#[derive(Debug)]
pub enum Call {
    /// It is ready for an event.
    Next(oneshot::Sender<Delivery>),
    /// It is done with the event it has.
    Done(Result<Value, InvokeError>),
    /// It cannot start.
    InitFailed(Value),
}

/// An event on its way to the process.
#[derive(Debug)]
pub struct Delivery {
    pub request_id: String,
    pub arn: String,
    pub timeout: Duration,
    pub payload: Bytes,
}

/// The Runtime API of one environment.
struct Api {
    calls: mpsc::Sender<Call>,
    /// Request id of the event that the process has.
    current: Mutex<Option<String>>,
}

/// The Runtime API of one environment; what the process says goes to `calls`.
pub fn router(calls: mpsc::Sender<Call>) -> Router {
    let api = Api {
        calls,
        current: Mutex::default(),
    };
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
        .with_state(Arc::new(api))
}

async fn next(State(api): State<Arc<Api>>) -> Response {
    let (sender, delivery) = oneshot::channel();
    if api.calls.send(Call::Next(sender)).await.is_err() {
        return gone();
    }
    let Ok(delivery) = delivery.await else {
        return gone();
    };
    *api.current() = Some(delivery.request_id.clone());
    // Milliseconds since 1970 at which the time-out runs out.
    let left = i64::try_from(delivery.timeout.as_millis()).unwrap_or(i64::MAX);
    let deadline = Timestamp::now().as_millisecond().saturating_add(left);
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", delivery.request_id),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
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
    State(api): State<Arc<Api>>,
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
    api.done(&request_id, result).await
}

async fn error(
    State(api): State<Arc<Api>>,
    Path(request_id): Path<String>,
    body: Bytes,
) -> Response {
    let error = InvokeError::Function(document(&body));
    api.done(&request_id, Err(error)).await
}

async fn init_error(State(api): State<Arc<Api>>, body: Bytes) -> Response {
    api.send(Call::InitFailed(document(&body))).await
}

impl Api {
    async fn done(&self, request_id: &str, result: Result<Value, InvokeError>) -> Response {
        let done = self.current().take_if(|current| current == request_id);
        if done.is_none() {
            let body = error_document("InvalidRequestID", "Invalid request ID");
            return (StatusCode::BAD_REQUEST, Json(body)).into_response();
        }
        self.send(Call::Done(result)).await
    }

    async fn send(&self, call: Call) -> Response {
        match self.calls.send(call).await {
            Ok(()) => (StatusCode::ACCEPTED, Json(json!({ "status": "OK" }))).into_response(),
            Err(_) => gone(),
        }
    }

    fn current(&self) -> MutexGuard<'_, Option<String>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
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

/// The environment is being ended.
fn gone() -> Response {
    StatusCode::GONE.into_response()
}
