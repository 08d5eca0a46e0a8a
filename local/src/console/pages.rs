//! The pages, embedded in the binary.

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, header},
    middleware::{self, Next},
    response::{Html, Response},
    routing::get,
};

/// Everything comes from the console itself; a mail's HTML is shown in a frame of its own policy.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; \
     frame-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
);

/// The console, and `others` under the same headers.
pub(super) fn router(others: Router) -> Router {
    let script = |text: &'static str| get(move || async move { asset("text/javascript", text) });
    let style = |text: &'static str| get(move || async move { asset("text/css", text) });
    let page = |text: &'static str| get(move || async move { Html(text) });
    Router::new()
        .route("/", page(include_str!("assets/console.html")))
        .route("/console.css", style(include_str!("assets/console.css")))
        .route("/console.js", script(include_str!("assets/console.js")))
        .route("/views.js", script(include_str!("assets/views.js")))
        .merge(others)
        .layer(middleware::from_fn(protect))
}

fn asset(
    kind: &'static str,
    text: &'static str,
) -> ([(header::HeaderName, &'static str); 1], &'static str) {
    ([(header::CONTENT_TYPE, kind)], text)
}

/// The headers of every page. The referrer matters most: a token must not leave with a link.
async fn protect(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
