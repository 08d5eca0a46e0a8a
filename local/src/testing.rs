//! A small HTTP client for the tests of the endpoints.

use std::sync::Mutex;

use async_trait::async_trait;
use axum::body::Body;
use http::{Request, StatusCode};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;
use tokio::sync::watch;

use crate::invoke::{InvokeError, Invoker};

/// Sends `request` and reads the whole answer. A body that is no JSON is a string.
pub(crate) async fn send(request: Request<Body>) -> (StatusCode, Value) {
    let client: Client<HttpConnector, Body> = Client::builder(TokioExecutor::new()).build_http();
    let (parts, body) = client.request(request).await.unwrap().into_parts();
    let body = axum::body::to_bytes(Body::new(body), usize::MAX)
        .await
        .unwrap();
    let body = serde_json::from_slice(&body)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).into_owned()));
    (parts.status, body)
}

/// Calls an operation of one of AWS's JSON protocols, as `caller`.
pub(crate) async fn aws(
    url: &str,
    caller: &str,
    target: &str,
    body: &Value,
) -> (StatusCode, Value) {
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={caller}/20260101/us-east-1/any/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature=00"
    );
    let request = Request::post(url)
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", target)
        .header("x-amz-date", "20260101T000000Z")
        .header("authorization", authorization)
        .body(Body::from(body.to_string()))
        .unwrap();
    send(request).await
}

/// What a [`FakeInvoker`] answers to a payload.
pub(crate) type Answer = Box<dyn FnMut(&Value) -> Result<Value, InvokeError> + Send>;

/// Notes every payload and answers what the test says.
pub(crate) struct FakeInvoker {
    answer: Mutex<Answer>,
    payloads: Mutex<Vec<(String, Value)>>,
    count: watch::Sender<usize>,
}

impl FakeInvoker {
    pub(crate) fn new(
        answer: impl FnMut(&Value) -> Result<Value, InvokeError> + Send + 'static,
    ) -> Self {
        Self {
            answer: Mutex::new(Box::new(answer)),
            payloads: Mutex::default(),
            count: watch::Sender::new(0),
        }
    }

    /// The payloads so far, each with its function.
    pub(crate) fn payloads(&self) -> Vec<(String, Value)> {
        self.payloads.lock().unwrap().clone()
    }

    /// Waits until there were `count` invocations.
    pub(crate) async fn invoked(&self, count: usize) {
        let mut current = self.count.subscribe();
        current.wait_for(|current| *current >= count).await.unwrap();
    }

    fn note(&self, function: &str, payload: &Value) {
        let mut payloads = self.payloads.lock().unwrap();
        payloads.push((function.to_owned(), payload.clone()));
        self.count.send_replace(payloads.len());
    }
}

#[async_trait]
impl Invoker for FakeInvoker {
    async fn call(&self, function: &str, payload: Value) -> Result<Value, InvokeError> {
        self.note(function, &payload);
        (self.answer.lock().unwrap())(&payload)
    }

    fn send(&self, function: &str, payload: Value) {
        self.note(function, &payload);
    }
}
