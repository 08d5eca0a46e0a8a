//! The HTTP layer in front of the database: counts calls and notes writes for the streams.

use std::sync::Arc;

use anyhow::Context as _;
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{StatusCode, Uri, header, request::Parts, response},
    response::{IntoResponse as _, Response},
};
use serde_json::Value;

use super::{
    Table,
    access::{accesses, writes},
    calls::{Call, Calls, Capacity},
    writes::Writes,
};
use crate::{callers::caller, loopback::Client};

/// Largest body read, in bytes: `DynamoDB` takes 16 MB, and answers are smaller.
const LIMIT: usize = 32 << 20;

pub(super) struct Front {
    pub(super) client: Client,
    /// Where the database itself listens.
    pub(super) database: String,
    pub(super) tables: Vec<Table>,
    pub(super) calls: Calls,
    pub(super) writes: Writes,
}

pub(super) fn router(front: Front) -> Router {
    Router::new().fallback(handle).with_state(Arc::new(front))
}

async fn handle(State(front): State<Arc<Front>>, request: Request) -> Response {
    front.forward(request).await.unwrap_or_else(|error| {
        tracing::error!("the database did not answer: {error:#}");
        let body = r#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"the local database did not answer"}"#;
        (StatusCode::INTERNAL_SERVER_ERROR, body).into_response()
    })
}

impl Front {
    async fn forward(&self, request: Request) -> anyhow::Result<Response> {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, LIMIT)
            .await
            .context("reading the request")?;
        let Some(mut question) = Question::read(&parts, &body) else {
            let (parts, body) = self.ask(parts, body).await?;
            return Ok(Response::from_parts(parts, Body::from(body)));
        };
        let body = question.with_capacity().unwrap_or(body);
        let (answer, body) = self.ask(parts, body).await?;
        let (body, call) = self.observe(question, answer.status, body);
        if answer.status.is_success() && writes(&call.operation) {
            for access in &call.accesses {
                self.writes.note(&access.table);
            }
        }
        self.calls.append(call);
        Ok(Response::from_parts(answer, Body::from(body)))
    }

    async fn ask(&self, mut parts: Parts, body: Bytes) -> anyhow::Result<(response::Parts, Bytes)> {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        parts.uri = format!("{}{path}", self.database)
            .parse::<Uri>()
            .context("the request's path")?;
        // The body may have grown, and the database is another host.
        for name in [header::HOST, header::CONTENT_LENGTH] {
            parts.headers.remove(name);
        }
        let request = Request::from_parts(parts, Body::from(body));
        let (mut parts, body) = self.client.request(request).await?.into_parts();
        let body = axum::body::to_bytes(Body::new(body), LIMIT).await?;
        // Both describe the body before the capacity was taken out of it.
        parts.headers.remove(header::CONTENT_LENGTH);
        parts.headers.remove("x-amz-crc32");
        Ok((parts, body))
    }

    /// The answer as the caller expects it, and the call as it is counted.
    fn observe(&self, question: Question, status: StatusCode, answer: Bytes) -> (Bytes, Call) {
        let mut call = Call {
            position: 0,
            accesses: accesses(&question.operation, &question.body, &self.tables),
            capacity: Capacity::default(),
            status: status.as_u16(),
            error: None,
            caller: question.caller,
            operation: question.operation,
        };
        let Ok(Value::Object(mut body)) = serde_json::from_slice::<Value>(&answer) else {
            return (answer, call);
        };
        call.error = body
            .get("__type")
            .and_then(Value::as_str)
            .map(|code| code.rsplit('#').next().unwrap_or(code).to_owned());
        if let Some(consumed) = body.get("ConsumedCapacity") {
            call.capacity = capacity(consumed, writes(&call.operation));
        }
        let added = !question.asked && body.remove("ConsumedCapacity").is_some();
        let answer = match added.then(|| serde_json::to_vec(&body)) {
            Some(Ok(stripped)) => Bytes::from(stripped),
            _ => answer,
        };
        (answer, call)
    }
}

struct Question {
    caller: String,
    operation: String,
    body: Value,
    /// True if the caller wants to know the capacity itself.
    asked: bool,
}

impl Question {
    fn read(parts: &Parts, body: &Bytes) -> Option<Self> {
        let target = parts.headers.get("x-amz-target")?.to_str().ok()?;
        let (_, operation) = target.split_once('.')?;
        let body: Value = serde_json::from_slice(body).ok()?;
        let wanted = body.as_object()?.get("ReturnConsumedCapacity");
        Some(Self {
            caller: caller(&parts.headers).unwrap_or_default(),
            operation: operation.to_owned(),
            asked: wanted.is_some_and(|wanted| wanted != "NONE"),
            body,
        })
    }

    /// The body with the capacity asked for, where the caller did not ask and could have.
    fn with_capacity(&mut self) -> Option<Bytes> {
        if self.asked || !counts_capacity(&self.operation) {
            return None;
        }
        self.body["ReturnConsumedCapacity"] = Value::from("INDEXES");
        Some(Bytes::from(self.body.to_string()))
    }
}

fn counts_capacity(operation: &str) -> bool {
    writes(operation)
        || matches!(
            operation,
            "GetItem" | "Query" | "Scan" | "BatchGetItem" | "TransactGetItems"
        )
}

/// The sum of `ConsumedCapacity`, which is a list where several tables may take part.
fn capacity(consumed: &Value, write: bool) -> Capacity {
    let tables = match consumed {
        Value::Array(tables) => tables.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut sum = Capacity::default();
    for table in tables {
        let units = |name: &str| table[name].as_f64();
        let all = units("CapacityUnits").unwrap_or_default();
        let (read, write) = match (units("ReadCapacityUnits"), units("WriteCapacityUnits")) {
            (None, None) if write => (0.0, all),
            (None, None) => (all, 0.0),
            // Only transactions say which it was; one that is repeated under its token reads.
            (read, write) => (read.unwrap_or_default(), write.unwrap_or_default()),
        };
        sum += Capacity { read, write };
    }
    sum
}
