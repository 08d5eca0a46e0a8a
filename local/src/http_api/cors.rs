//! [CORS] as API Gateway does it: it answers preflights itself, and replaces the CORS headers of
//! functions. The guard of this machine comes first, so only origins on it are ever served.
//!
//! [CORS]: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};

use crate::template::Cors;

/// The answer to `request` if it is a preflight, still without CORS headers.
pub(super) fn preflight(request: &Parts) -> Option<Response<Body>> {
    let asks = |name| request.headers.contains_key(name);
    let is_preflight = request.method == Method::OPTIONS
        && asks(header::ORIGIN)
        && asks(header::ACCESS_CONTROL_REQUEST_METHOD);
    is_preflight.then(|| StatusCode::NO_CONTENT.into_response())
}

/// Sets the CORS headers of the answer to `request`.
pub(super) fn apply(cors: &Cors, request: &Parts, answer: &mut HeaderMap) {
    // Only the gateway may set them.
    let names: Vec<_> = answer.keys().cloned().collect();
    for name in names {
        if name.as_str().starts_with("access-control-") {
            answer.remove(name);
        }
    }
    let origin = request.headers.get(header::ORIGIN);
    let Some(origin) = origin.and_then(|origin| allowed(cors, origin.to_str().ok()?)) else {
        return;
    };
    let mut set = |name: HeaderName, value: String| {
        if let Ok(value) = HeaderValue::try_from(value)
            && !value.is_empty()
        {
            answer.insert(name, value);
        }
    };
    set(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.to_owned());
    let expose_headers = cors.expose_headers.join(",");
    set(header::ACCESS_CONTROL_EXPOSE_HEADERS, expose_headers);
    if cors.allow_credentials {
        set(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true".to_owned());
    }
    if preflight(request).is_some() {
        let [methods, headers] = [&cors.allow_methods, &cors.allow_headers].map(|l| l.join(","));
        set(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        set(header::ACCESS_CONTROL_ALLOW_HEADERS, headers);
        let age = cors.max_age.map(|age| age.to_string());
        set(header::ACCESS_CONTROL_MAX_AGE, age.unwrap_or_default());
    }
}

/// What `origin` may see as the allowed origin.
fn allowed<'a>(cors: &Cors, origin: &'a str) -> Option<&'a str> {
    cors.allow_origins
        .iter()
        .find_map(|allowed| match allowed.as_str() {
            "*" => Some("*"),
            "https://*" | "http://*" => origin
                .starts_with(allowed.trim_end_matches('*'))
                .then_some(origin),
            allowed => (allowed == origin).then_some(origin),
        })
}

#[cfg(test)]
mod tests {
    use axum::extract::Request;

    use super::*;

    /// The headers of an answer that said `access-control-allow-origin: *` itself.
    fn answered(cors: &Cors, method: &str, origin: &str) -> Vec<String> {
        let request = Request::builder()
            .method(method)
            .header("origin", origin)
            .header("access-control-request-method", "PATCH")
            .body(())
            .unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_ORIGIN,
            HeaderValue::from_static("*"),
        );
        apply(cors, &request.into_parts().0, &mut headers);
        let mut headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        headers.sort();
        headers
    }

    fn cors(origin: &str) -> Cors {
        Cors {
            allow_origins: vec![origin.to_owned()],
            allow_methods: vec!["GET".to_owned(), "PATCH".to_owned()],
            allow_headers: vec!["authorization".to_owned()],
            expose_headers: vec!["etag".to_owned()],
            allow_credentials: true,
            max_age: Some(600),
        }
    }

    #[test]
    fn a_preflight_gets_every_header_and_an_answer_those_that_concern_it() {
        let app = "http://localhost:5173";
        assert_eq!(
            answered(&cors(app), "OPTIONS", app),
            [
                "access-control-allow-credentials: true",
                "access-control-allow-headers: authorization",
                "access-control-allow-methods: GET,PATCH",
                "access-control-allow-origin: http://localhost:5173",
                "access-control-expose-headers: etag",
                "access-control-max-age: 600",
            ]
        );
        assert_eq!(
            answered(&cors(app), "PATCH", app),
            [
                "access-control-allow-credentials: true",
                "access-control-allow-origin: http://localhost:5173",
                "access-control-expose-headers: etag",
            ]
        );
    }

    #[test]
    fn another_origin_gets_no_header_and_those_of_the_function_are_gone() {
        let other = "http://localhost:5173";
        for allowed in ["http://localhost:5174", "https://*", "null"] {
            assert!(
                answered(&cors(allowed), "GET", other).is_empty(),
                "{allowed}"
            );
        }
        for (allowed, seen) in [("http://*", other), ("*", "*")] {
            let expected = format!("access-control-allow-origin: {seen}");
            assert!(answered(&cors(allowed), "GET", other).contains(&expected));
        }
    }
}
