//! Lambda's `Invoke` over HTTP, for the AWS CLI and the like.

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    invoke::{InvokeError, SharedInvoker},
    template::Model,
};

#[derive(Clone)]
struct Endpoint {
    invoker: SharedInvoker,
    /// Logical ids, by each name that a function has.
    ids: BTreeMap<String, String>,
}

/// The operation for the functions of `model`, which go by logical id, name and binary.
pub(crate) fn router(model: &Model, invoker: SharedInvoker) -> Router {
    let functions = model.functions.iter();
    let ids = functions.flat_map(|(id, function)| {
        let names = [
            id.clone(),
            function.name.clone(),
            function.binary().to_owned(),
        ];
        names.map(|name| (name, id.clone()))
    });
    Router::new()
        .route("/2015-03-31/functions/{function}/invocations", post(invoke))
        .with_state(Endpoint {
            ids: ids.collect(),
            invoker,
        })
}

async fn invoke(
    State(endpoint): State<Endpoint>,
    Path(function): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(id) = endpoint.ids.get(&function) else {
        let error = InvokeError::Unknown(function);
        return refusal(StatusCode::NOT_FOUND, "ResourceNotFoundException", &error);
    };
    let payload: Value = match body.as_ref() {
        [] => json!({}),
        body => match serde_json::from_slice(body) {
            Ok(payload) => payload,
            Err(error) => {
                let kind = "InvalidRequestContentException";
                return refusal(StatusCode::BAD_REQUEST, kind, &error);
            }
        },
    };
    match headers
        .get("x-amz-invocation-type")
        .map(HeaderValue::as_bytes)
    {
        Some(b"Event") => {
            endpoint.invoker.send(id, payload);
            StatusCode::ACCEPTED.into_response()
        }
        Some(b"DryRun") => StatusCode::NO_CONTENT.into_response(),
        _ => outcome(endpoint.invoker.call(id, payload).await),
    }
}

fn outcome(result: Result<Value, InvokeError>) -> Response {
    match result {
        Ok(answer) => Json(answer).into_response(),
        Err(error @ InvokeError::Throttled) => {
            let kind = "TooManyRequestsException";
            refusal(StatusCode::TOO_MANY_REQUESTS, kind, &error)
        }
        Err(error @ (InvokeError::Unknown(_) | InvokeError::Stopping)) => {
            let kind = "ServiceException";
            refusal(StatusCode::INTERNAL_SERVER_ERROR, kind, &error)
        }
        // The invocation went well, the function did not.
        Err(error) => {
            let document = error.document(&Uuid::new_v4().to_string());
            let failed = [("x-amz-function-error", "Unhandled")];
            (failed, Json(document)).into_response()
        }
    }
}

fn refusal(status: StatusCode, kind: &'static str, error: &dyn std::error::Error) -> Response {
    let body = Json(json!({ "Type": "User", "Message": error.to_string() }));
    (status, [("x-amzn-errortype", kind)], body).into_response()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::body::Body;

    use super::*;
    use crate::{
        lambda::tests::model,
        testing::{FakeInvoker, send},
    };

    async fn start(invoker: &Arc<FakeInvoker>) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = router(&model(""), invoker.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    async fn invoke(url: &str, function: &str, kind: &str, body: &'static str) -> (u16, Value) {
        let request =
            http::Request::post(format!("{url}/2015-03-31/functions/{function}/invocations"));
        let request = request.header("x-amz-invocation-type", kind);
        let (status, answer) = send(request.body(Body::from(body)).unwrap()).await;
        (status.as_u16(), answer)
    }

    #[tokio::test]
    async fn a_function_is_invoked_by_each_of_its_names() {
        let invoker = Arc::new(FakeInvoker::new(|payload| Ok(payload.clone())));
        let url = start(&invoker).await;
        for name in ["Probe", "probe"] {
            let (status, answer) = invoke(&url, name, "RequestResponse", r#"{"n": 1}"#).await;
            assert_eq!((status, answer), (200, json!({ "n": 1 })), "{name}");
        }
        assert_eq!(invoke(&url, "Other", "RequestResponse", "{}").await.0, 404);
        assert_eq!(invoke(&url, "Probe", "RequestResponse", "{").await.0, 400);
        assert_eq!(invoke(&url, "Probe", "DryRun", "{}").await.0, 204);
        assert_eq!(invoker.payloads().len(), 2);
    }

    #[tokio::test]
    async fn what_the_function_failed_with_is_an_answer() {
        let failed = json!({ "errorType": "Own", "errorMessage": "no" });
        let error = failed.clone();
        let invoker = Arc::new(FakeInvoker::new(move |_| {
            Err(InvokeError::Function(error.clone()))
        }));
        let url = start(&invoker).await;
        let answer = invoke(&url, "Probe", "RequestResponse", "{}").await;
        assert_eq!(answer, (200, failed));
        assert_eq!(outcome(Err(InvokeError::Throttled)).status(), 429);
        let exited = outcome(Err(InvokeError::Exited("1".to_owned())));
        assert_eq!(exited.headers()["x-amz-function-error"], "Unhandled");
    }

    #[tokio::test]
    async fn an_event_is_queued() {
        let invoker = Arc::new(FakeInvoker::new(|_| Ok(Value::Null)));
        let url = start(&invoker).await;
        assert_eq!(invoke(&url, "Probe", "Event", "{}").await.0, 202);
        assert_eq!(invoker.payloads().len(), 1);
    }
}
