//! Web pages of other origins, by what API Gateway adds to answers.

use reqwest::{Method, header::HeaderMap};

use crate::support::{Roster, on_own_stack, on_shared_stack, patiently};

/// The origin of a page under development.
const APP: &str = "http://localhost:5173";

/// Status and headers of an answer to a page of `origin`; a preflight asks for `wanted` first.
async fn asked(
    roster: &Roster,
    method: Method,
    path: &str,
    origin: &str,
    wanted: Option<&str>,
) -> (u16, HeaderMap) {
    let mut request = roster.request(method, path).header("origin", origin);
    if let Some(wanted) = wanted {
        request = request
            .header("access-control-request-method", wanted)
            .header("access-control-request-headers", "authorization, if-match");
    }
    // Not by way of the contract: a preflight is the gateway's.
    let answer = patiently("an answer", request.send()).await.unwrap();
    (answer.status().as_u16(), answer.headers().clone())
}

fn list(headers: &HeaderMap, name: &str) -> Vec<String> {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    let values = value.unwrap_or_default().split(',');
    values.map(str::to_lowercase).collect()
}

#[test]
fn a_page_of_an_allowed_origin_may_call_and_read_the_answer() {
    on_own_stack(&[("AllowedOrigins", APP)], async |roster| {
        let (status, headers) =
            asked(roster, Method::OPTIONS, "/users/me", APP, Some("PATCH")).await;
        assert_eq!(status, 204);
        assert_eq!(headers["access-control-allow-origin"], APP);
        let methods = list(&headers, "access-control-allow-methods");
        assert!(methods.contains(&"patch".to_owned()), "{methods:?}");
        let allowed = list(&headers, "access-control-allow-headers");
        for header in ["authorization", "if-match", "idempotency-key"] {
            assert!(allowed.contains(&header.to_owned()), "{allowed:?}");
        }
        assert_eq!(headers["access-control-max-age"], "7200");

        let (status, headers) = asked(roster, Method::GET, "/users/me", APP, None).await;
        assert_eq!(status, 401);
        assert_eq!(headers["access-control-allow-origin"], APP);
        let exposed = list(&headers, "access-control-expose-headers");
        for header in ["www-authenticate", "x-request-id"] {
            assert!(headers.contains_key(header));
            assert!(exposed.contains(&header.to_owned()), "{exposed:?}");
        }
        // Tokens go into a header that scripts set; cookies are none of ours.
        assert!(!headers.contains_key("access-control-allow-credentials"));
    });
}

#[test]
fn a_page_of_another_origin_may_not() {
    on_own_stack(&[("AllowedOrigins", APP)], async |roster| {
        for (method, wanted) in [(Method::OPTIONS, Some("POST")), (Method::POST, None)] {
            let other = "http://localhost:5174";
            let (_, headers) = asked(roster, method, "/sessions", other, wanted).await;
            assert!(!headers.contains_key("access-control-allow-origin"));
        }
    });
}

#[test]
fn no_page_may_unless_the_deployment_says_so() {
    on_shared_stack(async |roster| {
        let (_, headers) = asked(roster, Method::OPTIONS, "/users", APP, Some("POST")).await;
        assert!(!headers.contains_key("access-control-allow-origin"));
    });
}
