//! Lambda's `Invoke`, for operators: `aws lambda invoke --endpoint-url` with the address of the console.

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    middleware,
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};

use crate::{
    invoke::{InvokeError, SharedInvoker},
    loopback,
};

/// The endpoint. It knows functions by their logical ids, waits for the answer and retries nothing.
pub(crate) fn router(invoker: SharedInvoker) -> Router {
    Router::new()
        .route("/2015-03-31/functions/{function}/invocations", post(handle))
        .layer(middleware::from_fn(loopback::guard))
        .with_state(invoker)
}

async fn handle(
    State(invoker): State<SharedInvoker>,
    Path(function): Path<String>,
    body: Bytes,
) -> Response {
    let payload = if body.is_empty() {
        Ok(json!({}))
    } else {
        serde_json::from_slice::<Value>(&body)
    };
    let Ok(payload) = payload else {
        return refused(
            StatusCode::BAD_REQUEST,
            "InvalidRequestContentException",
            "the payload is not JSON",
        );
    };
    match invoker.call(&function, payload).await {
        Ok(answer) => Json(answer).into_response(),
        Err(error @ InvokeError::Unknown(_)) => refused(
            StatusCode::NOT_FOUND,
            "ResourceNotFoundException",
            &error.to_string(),
        ),
        Err(error) => {
            let document = Json(error.document("local"));
            ([("x-amz-function-error", "Unhandled")], document).into_response()
        }
    }
}

fn refused(status: StatusCode, code: &'static str, message: &str) -> Response {
    let body = Json(json!({"Type": "User", "Message": message}));
    (status, [("x-amzn-errortype", code)], body).into_response()
}
