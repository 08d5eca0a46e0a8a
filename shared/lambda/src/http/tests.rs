use std::future::pending;

use application::ports::Clock as _;
use lambda_http::{Context, RequestExt as _, request};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{request::traceparent, *};

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A request as API Gateway sends it.
fn sent(method: &str, headers: &Value) -> RawRequest {
    let payload = json!({
        "version": "2.0",
        "routeKey": format!("{method} /"),
        "rawPath": "/",
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "http": {"method": method, "path": "/"},
            "requestId": "request-1",
            "routeKey": format!("{method} /"),
            "stage": "$default",
            "timeEpoch": 0,
        },
        "isBase64Encoded": false,
    });
    request::from_str(&payload.to_string()).unwrap()
}

/// The same, to a worker that Lambda ends in `remaining`.
fn request(remaining: Option<Duration>) -> RawRequest {
    let request = sent("GET", &json!({}));
    let mut context = Context::default();
    match remaining {
        Some(remaining) => {
            let deadline = adapters::system::System.now().plus(remaining);
            context.deadline = deadline.as_millis();
            request.with_lambda_context(context)
        }
        None => request,
    }
}

async fn answered<F: Future<Output = Response>>(
    remaining: Option<Duration>,
    handle: impl Fn(Arc<()>, Request) -> F,
) -> (u16, Value, RawResponse<Body>) {
    let open = Authenticator::open("");
    let request = request(remaining);
    let response = answer(Access::ANYONE, &open, Arc::new(()), &handle, request).await;
    let document: Value = serde_json::from_slice(response.body()).unwrap();
    (
        response.status().as_u16(),
        document["code"].clone(),
        response,
    )
}

/// A request with this method and these headers, answered with a body and a tag.
async fn asked(method: &str, headers: &Value) -> RawResponse<Body> {
    let request = sent(method, headers);
    let handle = async |_, request: Request| {
        assert_ne!(request.method, Method::HEAD);
        let response = response::json(StatusCode::OK, &json!({"method": request.method.as_str()}))?;
        response::with_header(response, header::ETAG, "\"7\"")
    };
    let open = Authenticator::open("");
    answer(Access::ANYONE, &open, Arc::new(()), &handle, request).await
}

#[tokio::test]
async fn head_is_a_get_without_the_body_of_its_answer() {
    let (get, head) = (
        asked("GET", &json!({})).await,
        asked("HEAD", &json!({})).await,
    );
    assert_eq!(get.body().as_ref(), br#"{"method":"GET"}"#);
    assert_eq!(head.body().as_ref(), b"");
    assert_eq!(
        (get.status(), get.headers()),
        (head.status(), head.headers())
    );
    let refused = asked("HEAD", &json!({"if-match": "café"})).await;
    assert_eq!(
        (refused.status().as_u16(), refused.body().as_ref()),
        (400, &b""[..])
    );
}

#[tokio::test]
async fn what_decides_is_ascii() {
    for name in [
        "authorization",
        "if-none-match",
        "content-encoding",
        "idempotency-key",
    ] {
        let refused = asked("GET", &json!({name: "caf\u{e9}"})).await;
        assert_eq!(refused.status(), 400, "{name}");
    }
    let lenient = asked(
        "GET",
        &json!({"user-agent": "caf\u{e9}", "referer": "caf\u{e9}"}),
    )
    .await;
    assert_eq!(lenient.status(), 200);
}

#[tokio::test]
async fn only_who_reads_is_told_that_nothing_is_new() {
    let known = json!({"if-none-match": "\"7\""});
    for (method, status) in [("GET", 304), ("HEAD", 304), ("POST", 200), ("PATCH", 200)] {
        assert_eq!(asked(method, &known).await.status(), status, "{method}");
    }
}

#[tokio::test]
async fn a_panic_is_answered_with_a_request_id() {
    let handle = async |_, _| -> Response { panic!("a defect") };
    let (status, code, response) = answered(None, handle).await;
    assert_eq!((status, code), (500, json!("internal")));
    assert_eq!(response.headers()["x-request-id"], "request-1");
    let document: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(document["requestId"], "request-1");
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_hangs_is_answered_before_the_deadline() {
    let started = Instant::now();
    let remaining = Duration::from_secs(10);
    let handle = async |_, _| -> Response { pending().await };
    let (status, code, response) = answered(Some(remaining), handle).await;
    assert_eq!((status, code), (503, json!("unavailable")));
    assert!(response.headers().contains_key("retry-after"));
    // The wall clock went on a little since the deadline was chosen.
    let left = remaining.saturating_sub(started.elapsed());
    assert!(left >= RESERVE && left < RESERVE * 2, "{left:?}");
}

#[test]
fn a_deadline_that_no_event_can_have_is_none() {
    let now = adapters::system::System.now().as_millis();
    // Ten minutes after the beginning of 1970, and one that just passed.
    assert_eq!(remaining(600_000), UNTOLD);
    assert_eq!(remaining(now - 1), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_is_fast_enough_is_not_disturbed() {
    let handle = async |_, _| {
        tokio::time::sleep(Duration::from_secs(9)).await;
        response::json(StatusCode::OK, &json!({"code": "fine"}))
    };
    let (status, code, _) = answered(Some(Duration::from_secs(10)), handle).await;
    assert_eq!((status, code), (200, json!("fine")));
}

/// `cargo test` unwinds whatever the profile says, so the test above proves nothing about deployed
/// builds by itself.
#[test]
fn release_builds_unwind() {
    let manifest = include_str!("../../../../Cargo.toml");
    let says: Vec<_> = manifest
        .lines()
        .filter(|line| line.starts_with("panic"))
        .collect();
    // Stated, since `cargo lambda build` aborts at a panic where nothing is.
    assert_eq!(says, ["panic = \"unwind\""]);
}

#[test]
fn a_right_traceparent_is_kept() {
    assert_eq!(traceparent(TRACEPARENT).as_deref(), Some(TRACEPARENT));
}

#[test]
fn a_traceparent_of_a_higher_version_is_read_as_version_00() {
    let higher = TRACEPARENT.replacen("00", "cc", 1);
    assert_eq!(traceparent(&higher).as_deref(), Some(TRACEPARENT));
    assert_eq!(
        traceparent(&format!("{higher}-what")).as_deref(),
        Some(TRACEPARENT)
    );
    assert_eq!(traceparent(&format!("{higher}.what")), None);
}

#[test]
fn a_wrong_traceparent_is_dropped() {
    for wrong in [
        "",
        &"-".repeat(55),
        &"é".repeat(40),
        &TRACEPARENT[..54],
        &format!("{TRACEPARENT}-what"),
        &TRACEPARENT.to_uppercase(),
        &TRACEPARENT.replacen("00", "ff", 1),
        &TRACEPARENT.replace('-', "0"),
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "0-00af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ] {
        assert_eq!(traceparent(wrong), None, "{wrong}");
    }
}

#[test]
fn a_command_is_in_the_trace_of_the_client_or_of_x_ray() {
    let header = |sampled: u8| {
        format!(
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled={sampled}"
        )
    };
    let begun = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01";
    for (headers, xray, expected) in [
        (json!({}), header(1), Some(begun)),
        (json!({}), header(0), None),
        (
            json!({"traceparent": TRACEPARENT}),
            header(1),
            Some(TRACEPARENT),
        ),
        (json!({"traceparent": "wrong"}), header(1), Some(begun)),
    ] {
        let mut context = Context::default();
        context.xray_trace_id = Some(xray);
        let request = sent("GET", &headers).with_lambda_context(context);
        let (request, _) = Request::read(request);
        assert_eq!(request.origin().traceparent.as_deref(), expected);
    }
}
