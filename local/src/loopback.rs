//! Keeps other web sites out: what listens here is for programs and pages of this machine.
//!
//! Any page a browser shows may send requests to 127.0.0.1, and through DNS rebinding may even
//! read the answers. Such a request carries the foreign site's name in `Host` or `Origin`.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::json;

/// A client for what listens on this machine.
pub(crate) type Client = legacy::Client<HttpConnector, Body>;

pub(crate) fn client() -> Client {
    legacy::Client::builder(TokioExecutor::new()).build_http()
}

/// The names of this machine by which it may be called: those that every machine has for itself, and
/// others that were asked for, such as the one that containers use.
#[derive(Debug, Clone, Default)]
pub struct Hosts(Arc<[String]>);

impl Hosts {
    /// The names `others` beside the usual ones.
    pub fn with(others: &[String]) -> Self {
        Self(others.into())
    }

    /// Lets through to `router` only what was sent to, and from, this machine by name.
    pub(crate) fn guard(&self, router: Router) -> Router {
        router.layer(middleware::from_fn_with_state(self.clone(), guard))
    }

    fn let_in(&self, headers: &HeaderMap) -> bool {
        let text = |name| {
            headers
                .get(name)
                .map(|value| value.to_str().unwrap_or_default())
        };
        let host = text(header::HOST).unwrap_or_default();
        let origin = text(header::ORIGIN).map(|origin| {
            let authority = origin.strip_prefix("http://");
            authority.or_else(|| origin.strip_prefix("https://"))
        });
        self.have(host) && origin.is_none_or(|origin| origin.is_some_and(|it| self.have(it)))
    }

    /// Whether `authority` (host and optional port) names this machine.
    fn have(&self, authority: &str) -> bool {
        let name = match authority.rsplit_once(':') {
            Some((name, port)) if port.parse::<u16>().is_ok() => name,
            _ => authority,
        };
        ["127.0.0.1", "localhost", "[::1]"].contains(&name)
            || self.0.iter().any(|other| other == name)
    }
}

async fn guard(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    if hosts.let_in(request.headers()) {
        return next.run(request).await;
    }
    (
        StatusCode::FORBIDDEN,
        Json(json!({ "message": "Forbidden" })),
    )
        .into_response()
}

/// Middleware that sends whoever came by a number to `localhost`: issuers, links, cookies and what a
/// browser keeps hang on the host name, so there is one of it.
pub(crate) async fn by_name(request: Request, next: Next) -> Response {
    match named(&request) {
        Some(location) => Redirect::temporary(&location).into_response(),
        None => next.run(request).await,
    }
}

/// The same address by name, if the request has a number in its place.
fn named(request: &Request) -> Option<String> {
    let host = request.headers().get(header::HOST)?.to_str().ok()?;
    let port = ["127.0.0.1", "[::1]"]
        .into_iter()
        .find_map(|number| host.strip_prefix(number))?;
    let path = request.uri().path_and_query()?;
    Some(format!("http://localhost{port}{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(host: Option<&str>, origin: Option<&str>) -> bool {
        let_in_by(&Hosts::default(), host, origin)
    }

    fn let_in_by(hosts: &Hosts, host: Option<&str>, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        if let Some(host) = host {
            headers.insert(header::HOST, host.parse().unwrap());
        }
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        hosts.let_in(&headers)
    }

    #[test]
    fn this_machine_is_let_through_by_each_of_its_names() {
        for host in ["127.0.0.1", "127.0.0.1:3000", "localhost:1", "[::1]:65535"] {
            assert!(checked(Some(host), None), "{host}");
        }
        for origin in [
            "http://localhost:3001",
            "https://127.0.0.1",
            "http://[::1]:1",
        ] {
            assert!(checked(Some("localhost:3000"), Some(origin)), "{origin}");
        }
    }

    #[test]
    fn another_name_is_let_in_if_it_was_asked_for() {
        let name = "host.docker.internal:8000";
        assert!(!checked(Some(name), None));
        let hosts = Hosts::with(&["host.docker.internal".to_owned()]);
        assert!(let_in_by(&hosts, Some(name), None));
        assert!(let_in_by(&hosts, Some("localhost:8000"), None));
        assert!(!let_in_by(&hosts, Some("example.com"), None));
        let foreign = Some("https://example.com");
        assert!(!let_in_by(&hosts, Some(name), foreign));
    }

    #[test]
    fn numbers_become_the_name() {
        for (host, path, location) in [
            (
                "127.0.0.1:3000",
                "/a?b=c",
                Some("http://localhost:3000/a?b=c"),
            ),
            ("[::1]:1", "/", Some("http://localhost:1/")),
            ("127.0.0.1", "/", Some("http://localhost/")),
            ("localhost:3000", "/", None),
        ] {
            let request = Request::get(path).header(header::HOST, host);
            let request = request.body(Body::empty()).unwrap();
            assert_eq!(named(&request).as_deref(), location, "{host}");
        }
    }

    #[test]
    fn foreign_names_are_not() {
        assert!(!checked(None, None));
        for host in [
            "example.com",
            "localhost.example.com",
            "127.0.0.1:x",
            "127.0.0.10",
            "",
        ] {
            assert!(!checked(Some(host), None), "{host}");
        }
        for origin in [
            "null",
            "https://example.com",
            "file://localhost",
            "http://localhost.evil",
        ] {
            assert!(!checked(Some("localhost"), Some(origin)), "{origin}");
        }
    }
}
