//! The pages on which links in mails land (`#token=…`). They stand in for the application; the
//! console serves them, and passes their requests on to the API.

use axum::{
    Router,
    http::header,
    response::{Html, IntoResponse as _},
    routing::get,
};

pub(super) fn router() -> Router {
    let page = |text: &'static str| get(move || async move { Html(text) });
    let asset = |kind: &'static str, text: &'static str| {
        get(move || async move { ([(header::CONTENT_TYPE, kind)], text).into_response() })
    };
    Router::new()
        .route("/verify", page(include_str!("assets/verify.html")))
        .route("/reset", page(include_str!("assets/reset.html")))
        .route("/invitation", page(include_str!("assets/invitation.html")))
        .route(
            "/card.css",
            asset("text/css", include_str!("assets/card.css")),
        )
        .route(
            "/token.js",
            asset("text/javascript", include_str!("assets/token.js")),
        )
}
