//! The API under the console's own origin, so that its pages need no CORS.

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};

use crate::loopback::{self, Client};

/// Headers of one connection, which the next one has its own of (RFC 9110, 7.6.1).
const HOP_BY_HOP: [header::HeaderName; 7] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

#[derive(Clone)]
struct Proxy {
    client: Client,
    api: String,
}

pub(super) fn router(api: String) -> Router {
    let client = loopback::client();
    Router::new()
        .fallback(forward)
        .with_state(Proxy { client, api })
}

async fn forward(State(proxy): State<Proxy>, mut request: Request) -> Response {
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    let Ok(uri) = format!("{}{path}", proxy.api).parse::<Uri>() else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    *request.uri_mut() = uri;
    *request.version_mut() = axum::http::Version::HTTP_11;
    strip(request.headers_mut());
    // The API is asked by the console, not by the page; the guard has checked the page.
    request.headers_mut().remove(header::HOST);
    request.headers_mut().remove(header::ORIGIN);
    match proxy.client.request(request).await {
        Ok(response) => {
            let mut response = response.map(Body::new);
            strip(response.headers_mut());
            // Nothing of the API is a page of the console.
            response.headers_mut().insert(
                header::CONTENT_SECURITY_POLICY,
                HeaderValue::from_static("default-src 'none'; sandbox"),
            );
            response
        }
        Err(error) => {
            let message = format!("the API did not answer: {error}");
            (StatusCode::BAD_GATEWAY, message).into_response()
        }
    }
}

fn strip(headers: &mut HeaderMap) {
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}
