//! A client as the documents want it: it repeats what got no answer, or one that says to come again.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::account::Failure;

/// What a client of the API has.
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
    repeated: AtomicU64,
}

/// A request that may be sent more than once.
#[derive(Clone)]
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) token: Option<&'a str>,
    pub(crate) header: Option<(&'static str, String)>,
    pub(crate) body: Option<Value>,
}

impl<'a> Request<'a> {
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            token: None,
            header: None,
            body: None,
        }
    }

    pub(crate) fn by(mut self, token: &'a str) -> Self {
        self.token = Some(token);
        self
    }

    pub(crate) fn with(mut self, name: &'static str, value: String) -> Self {
        self.header = Some((name, value));
        self
    }

    pub(crate) fn json(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }
}

/// An answer that says what became of a request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) etag: Option<String>,
    pub(crate) body: Value,
}

/// How long a person tries.
const PATIENCE: Duration = Duration::from_mins(3);

/// Between two tries, unless the answer says more.
const PAUSE: Duration = Duration::from_millis(200);

impl Client {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            http: reqwest::Client::new(),
            url: url.to_owned(),
            repeated: AtomicU64::new(0),
        }
    }

    /// How many requests were sent again.
    pub(crate) fn repeated(&self) -> u64 {
        self.repeated.load(Ordering::Relaxed)
    }

    /// Sends a request until it is answered with something else than come again.
    pub(crate) async fn send(&self, request: &Request<'_>) -> Result<Answer, Failure> {
        let started = Instant::now();
        loop {
            let tried = self.try_once(request).await;
            match tried {
                Ok((answer, None)) => return Ok(answer),
                _ if started.elapsed() < PATIENCE => {}
                Ok((answer, Some(_))) => return Err(request.failure(&format!("{answer:?}"))),
                Err(error) => return Err(request.failure(&error.to_string())),
            }
            self.repeated.fetch_add(1, Ordering::Relaxed);
            let pause = tried.ok().and_then(|(_, pause)| pause);
            tokio::time::sleep(pause.unwrap_or(PAUSE)).await;
        }
    }

    /// The answer, and how long to wait if it says to come again.
    async fn try_once(&self, request: &Request<'_>) -> reqwest::Result<(Answer, Option<Duration>)> {
        let url = format!("{}{}", self.url, request.path);
        let mut sent = self.http.request(request.method.clone(), url);
        if let Some(token) = request.token {
            sent = sent.bearer_auth(token);
        }
        if let Some((name, value)) = &request.header {
            sent = sent.header(*name, value);
        }
        if let Some(body) = &request.body {
            sent = sent.json(body);
        }
        let response = sent.send().await?;
        let header = |name: &str| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let (etag, after) = (header("etag"), header("retry-after"));
        let status = response.status();
        let body = serde_json::from_str(&response.text().await?).unwrap_or(Value::Null);
        let comes_again = status.is_server_error()
            || status == StatusCode::TOO_MANY_REQUESTS
            || body["code"] == "still-running";
        let after = after.and_then(|seconds| seconds.parse().ok());
        let pause = comes_again.then(|| after.map_or(PAUSE, Duration::from_secs));
        Ok((Answer { status, etag, body }, pause))
    }
}

impl Request<'_> {
    /// What is told of a request that was not answered as it should.
    pub(crate) fn failure(&self, said: &str) -> Failure {
        Failure(format!("{} {}: {said}", self.method, self.path))
    }
}
