//! Keeps the local endpoints local: a web page of somebody else, or a host name that was
//! rebound to 127.0.0.1, must not reach them through the developer's browser.

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode, Uri, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// Answers 403 unless `Host`, and `Origin` where there is one, name this machine.
pub async fn only(request: Request, next: Next) -> Response {
    if is_local(request.headers(), request.uri()) {
        next.run(request).await
    } else {
        (
            StatusCode::FORBIDDEN,
            "only 127.0.0.1 and localhost are served",
        )
            .into_response()
    }
}

fn is_local(headers: &HeaderMap, uri: &Uri) -> bool {
    let host = match headers.get(header::HOST) {
        Some(host) => host.to_str().ok().and_then(|host| host.parse().ok()),
        // HTTP/2 has the authority in the URI instead.
        None => uri.authority().cloned(),
    };
    let origin = match headers.get(header::ORIGIN) {
        None => return host.is_some_and(|host| names_loopback(&host)),
        Some(origin) => origin.to_str().ok().and_then(|text| text.parse().ok()),
    };
    host.is_some_and(|host| names_loopback(&host))
        && origin
            .as_ref()
            .and_then(Uri::authority)
            .is_some_and(names_loopback)
}

fn names_loopback(authority: &Authority) -> bool {
    matches!(authority.host(), "127.0.0.1" | "localhost" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        is_local(&headers, &Uri::from_static("/"))
    }

    #[test]
    fn this_machine_is_served() {
        assert!(allowed("127.0.0.1:8000", None));
        assert!(allowed("localhost", Some("http://localhost:3000")));
        assert!(allowed("[::1]:80", Some("http://127.0.0.1:9")));
    }

    #[test]
    fn other_names_and_origins_are_refused() {
        assert!(!allowed("example.com", None));
        assert!(!allowed("127.0.0.1.example.com:8000", None));
        assert!(!allowed("127.0.0.1", Some("https://example.com")));
        assert!(!allowed("127.0.0.1", Some("null")));
        assert!(!allowed("", None));
    }

    #[test]
    fn a_request_without_a_host_is_refused() {
        assert!(!is_local(&HeaderMap::new(), &Uri::from_static("/")));
    }
}
