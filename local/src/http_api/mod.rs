//! The HTTP API: requests to functions and back, in payload format 2.0.

mod answer;
mod cors;
mod request;
mod routes;

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{HeaderValue, StatusCode, request::Parts},
    middleware,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use self::{
    request::Incoming,
    routes::{Match, Routes},
};
use crate::{
    invoke::{InvokeError, LONGEST_PAYLOAD, SharedInvoker},
    journal::{Happening, Journal},
    loopback,
    template::{Cors, Model},
};

/// Longest body of a request in bytes (HTTP API quotas).
const LONGEST_BODY: usize = 10 * 1024 * 1024;
/// Longest time a function may take behind an HTTP API (HTTP API quotas).
const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Clone)]
struct Api {
    routes: Arc<Routes>,
    cors: Option<Arc<Cors>>,
    invoker: SharedInvoker,
    journal: Journal,
    port: u16,
}

/// The API of `model`, which listens at `port`. To be served with the peer's address:
/// [`Router::into_make_service_with_connect_info`].
pub(crate) fn router(model: &Model, port: u16, invoker: SharedInvoker, journal: Journal) -> Router {
    let api = Api {
        routes: Arc::new(Routes::new(&model.routes)),
        cors: model.cors.clone().map(Arc::new),
        invoker,
        journal,
        port,
    };
    Router::new()
        .fallback(answer)
        .with_state(api)
        .layer(middleware::from_fn(loopback::by_name))
}

async fn answer(
    State(api): State<Api>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let start = Instant::now();
    let id = Uuid::new_v4().to_string();
    let (parts, body) = request.into_parts();
    let found = api.routes.find(parts.method.as_str(), parts.uri.path());
    let function = found.as_ref().map(|found| found.route.function.clone());
    let preflight = api.cors.as_ref().and_then(|_| cors::preflight(&parts));
    let mut response = match (preflight, found) {
        (Some(response), _) => response,
        (None, Some(found)) => api.integrate(&id, &parts, body, peer, &found).await,
        (None, None) => refusal(StatusCode::NOT_FOUND, "Not Found"),
    };
    if let Some(cors) = &api.cors {
        cors::apply(cors, &parts, response.headers_mut());
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("apigw-requestid", id);
    }
    api.journal.append(Happening::Request {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        function: function.unwrap_or_default(),
        request_id: id,
        status: response.status().as_u16(),
        micros: u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX),
    });
    response
}

impl Api {
    /// Has the function of `found` answer.
    async fn integrate(
        &self,
        id: &str,
        parts: &Parts,
        body: Body,
        peer: SocketAddr,
        found: &Match<'_>,
    ) -> Response {
        // It may also break off.
        let Ok(body) = axum::body::to_bytes(body, LONGEST_BODY).await else {
            return refusal(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
        };
        let incoming = Incoming {
            id,
            parts,
            body: &body,
            peer,
            port: self.port,
            at: Timestamp::now(),
        };
        let event = incoming.event(found);
        if event.to_string().len() > LONGEST_PAYLOAD {
            return refusal(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
        }
        let call = self.invoker.call(&found.route.function, event);
        match tokio::time::timeout(INTEGRATION_TIMEOUT, call).await {
            Ok(result) => outcome(result),
            Err(_elapsed) => refusal(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
        }
    }
}

fn outcome(result: Result<Value, InvokeError>) -> Response {
    let malformed = || refusal(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
    match result {
        Ok(answer) => answer::response(answer).unwrap_or_else(malformed),
        Err(InvokeError::Throttled | InvokeError::Stopping) => {
            refusal(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
        }
        Err(_) => malformed(),
    }
}

/// An answer of the gateway itself.
fn refusal(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "message": message }))).into_response()
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::{invoke::Invoker, template::Route};

    /// Answers by the name of the function.
    struct Fake;

    #[async_trait]
    impl Invoker for Fake {
        async fn call(&self, function: &str, payload: Value) -> Result<Value, InvokeError> {
            match function {
                "Echo" => Ok(json!({ "statusCode": 200, "body": payload["body"] })),
                "Failing" => Err(InvokeError::Function(json!({ "errorMessage": "secret" }))),
                "Busy" => Err(InvokeError::Throttled),
                "Malformed" => Ok(json!({ "statusCode": "x" })),
                _ => std::future::pending().await,
            }
        }

        fn send(&self, _: &str, _: Value) {}
    }

    async fn ask(method: &str, path: &str, body: Vec<u8>) -> (u16, String) {
        let routes = ["Echo", "Failing", "Busy", "Malformed", "Hanging"].map(|function| Route {
            method: Some("POST".to_owned()),
            path: Some(format!("/{}", function.to_lowercase())),
            function: function.to_owned(),
            api: "Api".to_owned(),
        });
        let journal = Journal::default();
        let api = Api {
            routes: Arc::new(Routes::new(&routes)),
            cors: None,
            invoker: Arc::new(Fake),
            journal: journal.clone(),
            port: 0,
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "text/plain")
            .body(Body::from(body))
            .unwrap();
        let peer = ConnectInfo(([127, 0, 0, 1], 1).into());
        let response = answer(State(api), peer, request).await;
        assert!(response.headers().contains_key("apigw-requestid"));
        assert!(matches!(
            &journal.since(0)[0].happening,
            Happening::Request { status, .. } if *status == response.status().as_u16()
        ));
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn what_goes_wrong_is_answered_as_api_gateway_answers_it() {
        for (method, path, status, message) in [
            ("POST", "/failing", 500, "Internal Server Error"),
            ("POST", "/malformed", 500, "Internal Server Error"),
            ("POST", "/busy", 503, "Service Unavailable"),
            ("POST", "/hanging", 503, "Service Unavailable"),
            ("POST", "/nowhere", 404, "Not Found"),
            ("OPTIONS", "/echo", 404, "Not Found"),
        ] {
            let answer = ask(method, path, Vec::new()).await;
            assert_eq!(
                answer,
                (status, json!({ "message": message }).to_string()),
                "{path}"
            );
        }
    }

    #[tokio::test]
    async fn a_body_goes_through_unless_it_is_too_long() {
        assert_eq!(
            ask("POST", "/echo", b"hello".to_vec()).await,
            (200, "hello".to_owned())
        );
        for length in [LONGEST_BODY + 1, LONGEST_PAYLOAD] {
            let (status, message) = ask("POST", "/echo", vec![b'a'; length]).await;
            assert_eq!(
                (status, message.as_str()),
                (413, r#"{"message":"Request Entity Too Large"}"#)
            );
        }
    }
}
