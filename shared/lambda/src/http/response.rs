//! Answers.

use application::session_tokens::TokenPair;
use domain::{Error, User, user::Profile};
use lambda_http::{
    Body, Response as RawResponse,
    http::{HeaderName, HeaderValue, StatusCode, header},
};
use secrecy::ExposeSecret as _;
use serde::Serialize;

/// What a handler returns.
pub type Response = Result<RawResponse<Body>, super::Error>;

/// `application/json`, as every answer but a problem is.
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// An answer with a JSON body.
pub fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let text = serde_json::to_string(body).map_err(Error::caused_by)?;
    let mut response = RawResponse::new(Body::Text(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    Ok(response)
}

/// An answer with a body that is JSON already.
pub fn json_text(body: &'static str) -> Response {
    let mut response = RawResponse::new(Body::Text(body.to_owned()));
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    Ok(response)
}

/// 201 with the new user, where to find it, and its version.
pub fn created(user: &User) -> Response {
    let response = json(StatusCode::CREATED, &user.profile())?;
    let response = with_header(response, header::LOCATION, &format!("/users/{}", user.id))?;
    with_header(response, header::ETAG, &etag(user))
}

/// 200 with the user and its version.
pub fn user(user: &User) -> Response {
    let response = json(StatusCode::OK, &user.profile())?;
    with_header(response, header::ETAG, &etag(user))
}

/// The tokens of a session (RFC 6749, 5.1), and the user. `Cache-Control: no-store` is on every answer
/// that does not say otherwise.
pub fn token_pair(status: StatusCode, token_pair: &TokenPair) -> Response {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Body<'a> {
        access_token: &'a str,
        token_type: &'static str,
        expires_in: u64,
        refresh_token: &'a str,
        user: Profile,
    }
    let refresh_token = token_pair.refresh.encode();
    let body = Body {
        access_token: token_pair.access.token.expose_secret(),
        token_type: "Bearer",
        expires_in: token_pair.access.expires_in,
        refresh_token: refresh_token.expose_secret(),
        user: token_pair.user.profile(),
    };
    json(status, &body)
}

/// 202: the request was noted. The same for every request, so that nobody learns what will come of it.
pub fn accepted() -> Response {
    json(
        StatusCode::ACCEPTED,
        &serde_json::json!({"status": "accepted"}),
    )
}

/// 204.
pub fn no_content() -> Response {
    let mut response = RawResponse::new(Body::Empty);
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

/// The answer with one more header.
pub fn with_header(mut response: RawResponse<Body>, name: HeaderName, value: &str) -> Response {
    let value = HeaderValue::from_str(value).map_err(Error::caused_by)?;
    response.headers_mut().insert(name, value);
    Ok(response)
}

/// The entity tag of a user: the version, quoted (RFC 9110, 8.8.3).
pub fn etag(user: &User) -> String {
    format!("\"{}\"", user.version)
}

/// What every answer carries, whatever it is.
pub(super) fn finish(mut response: RawResponse<Body>, request_id: &str) -> RawResponse<Body> {
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert("x-request-id", id);
    }
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    // What users see of each other must not stay in shared caches; the public documents say otherwise
    // themselves.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}
