//! Answers.

mod services;

use std::{future, pin::Pin};

use application::{ports::AccessToken, session_tokens::TokenPair};
use domain::{
    Actor, ApiKeyId, Email, Error, Name, Role, ServiceName, Timestamp, User, api_key::ListedApiKey,
    device::DeviceToken, mail::Suppression, user::Profile,
};
use lambda_http::{
    Body, IntoResponse, Response as RawResponse,
    http::{HeaderName, HeaderValue, StatusCode, header},
};
use secrecy::ExposeSecret;
use serde::Serialize;
use url::form_urlencoded;

pub use self::services::{InstanceBody, ServiceBody};

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

/// A user as the user and administrators see it. Lists leave out what is pending.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OneUser<'a> {
    #[serde(flatten)]
    profile: Profile,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending_email: Option<&'a Email>,
    /// For administrators: why not every mail goes there.
    #[serde(skip_serializing_if = "Option::is_none")]
    mail: Option<MailState>,
}

#[derive(Serialize)]
struct MailState {
    state: &'static str,
    since: Timestamp,
}

impl From<Suppression> for MailState {
    fn from(suppression: Suppression) -> Self {
        let (state, since) = match suppression {
            Suppression::Bounced(since) => ("suppressed", since),
            Suppression::Complained(since) => ("complained", since),
        };
        Self { state, since }
    }
}

impl<'a> From<&'a User> for OneUser<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            profile: user.profile(),
            pending_email: user.pending_email.as_ref(),
            mail: None,
        }
    }
}

/// 201 with the new user, where to find it, and its version.
pub fn created(user: &User) -> Response {
    let response = json(StatusCode::CREATED, &OneUser::from(user))?;
    let response = with_header(response, header::LOCATION, &format!("/users/{}", user.id))?;
    with_header(response, header::ETAG, &etag(user))
}

/// 200 with the user and its version.
pub fn user(user: &User) -> Response {
    user_with_mail(user, None)
}

/// The same, with why not every mail goes to the user.
pub fn user_with_mail(user: &User, suppression: Option<Suppression>) -> Response {
    let mut body = OneUser::from(user);
    body.mail = suppression.map(MailState::from);
    let response = json(StatusCode::OK, &body)?;
    with_header(response, header::ETAG, &etag(user))
}

/// An access token (RFC 6749, 5.1).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccessTokenBody<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_in: u64,
}

impl<'a> From<&'a AccessToken> for AccessTokenBody<'a> {
    fn from(access: &'a AccessToken) -> Self {
        Self {
            access_token: access.token.expose_secret(),
            token_type: "Bearer",
            expires_in: access.expires_in,
        }
    }
}

/// The tokens of a session, and the user. `Cache-Control: no-store` is on every answer that does not say
/// otherwise.
pub fn token_pair(status: StatusCode, token_pair: &TokenPair) -> Response {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Body<'a> {
        #[serde(flatten)]
        access: AccessTokenBody<'a>,
        refresh_token: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        device_token: Option<&'a str>,
        user: OneUser<'a>,
    }
    let refresh_token = token_pair.refresh.encode();
    let device_token = token_pair.device.as_ref().map(DeviceToken::encode);
    let body = Body {
        access: (&token_pair.access).into(),
        refresh_token: refresh_token.expose_secret(),
        device_token: device_token.as_ref().map(ExposeSecret::expose_secret),
        user: (&token_pair.user).into(),
    };
    json(status, &body)
}

/// 201 with the tokens of a session, and where to find the user: the account began, or begins anew.
pub fn began(token_pair: &TokenPair) -> Response {
    let location = format!("/users/{}", token_pair.user.id);
    let response = self::token_pair(StatusCode::CREATED, token_pair)?;
    with_header(response, header::LOCATION, &location)
}

/// 200 with another access token of the session, and a token for the device that holds it.
pub fn proven(access: &AccessToken, device: &DeviceToken) -> Response {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Body<'a> {
        #[serde(flatten)]
        access: AccessTokenBody<'a>,
        device_token: &'a str,
    }
    let device_token = device.encode();
    let body = Body {
        access: access.into(),
        device_token: device_token.expose_secret(),
    };
    json(StatusCode::OK, &body)
}

/// An API key as administrators see it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyBody<'a> {
    id: ApiKeyId,
    name: &'a Name,
    role: &'a Role,
    service: Option<&'a ServiceName>,
    created_at: Timestamp,
    created_by: Actor,
    expires_at: Timestamp,
    revoked_at: Option<Timestamp>,
    last_used_on: Option<&'a str>,
}

impl<'a> ApiKeyBody<'a> {
    pub fn new(listed: &'a ListedApiKey) -> Self {
        let ListedApiKey { key, last_used_on } = listed;
        Self {
            id: key.id,
            name: &key.name,
            role: &key.role,
            service: key.service.as_ref(),
            created_at: key.created_at,
            created_by: key.created_by,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            last_used_on: last_used_on.as_deref(),
        }
    }
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

/// Path and query of another page of the list at `path`. Parameters without a value are left out.
pub fn link<'a>(
    path: &str,
    parameters: impl IntoIterator<Item = (&'a str, Option<String>)>,
) -> String {
    let start = path.len() + 1;
    let mut query = form_urlencoded::Serializer::for_suffix(format!("{path}?"), start);
    for (name, value) in parameters {
        if let Some(value) = value {
            query.append_pair(name, &value);
        }
    }
    query.finish()
}

/// 200 with a page, and a `Link` header (RFC 8288) to the pages beside it.
pub fn page(body: &impl Serialize, next: Option<&str>, previous: Option<&str>) -> Response {
    let response = json(StatusCode::OK, body)?;
    let links: Vec<_> = [("next", next), ("prev", previous)]
        .into_iter()
        .filter_map(|(relation, link)| Some(format!("<{}>; rel=\"{relation}\"", link?)))
        .collect();
    if links.is_empty() {
        return Ok(response);
    }
    with_header(response, header::LINK, &links.join(", "))
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

/// An answer as it leaves. `lambda_http` would copy its text once more, by the charset that the header names,
/// and put the tables of all charsets into each function.
pub(super) struct Finished(pub(super) RawResponse<Body>);

impl IntoResponse for Finished {
    fn into_response(self) -> Pin<Box<dyn Future<Output = RawResponse<Body>> + Send>> {
        Box::pin(future::ready(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header_of(next: Option<&str>, previous: Option<&str>) -> Option<String> {
        let response = page(&"body", next, previous).unwrap();
        let links = response.headers().get(header::LINK)?;
        Some(links.to_str().unwrap().to_owned())
    }

    #[test]
    fn the_header_has_the_links_there_are() {
        assert_eq!(header_of(None, None), None);
        assert_eq!(
            header_of(Some("/users?page=3"), Some("/users?page=1")).as_deref(),
            Some("</users?page=3>; rel=\"next\", </users?page=1>; rel=\"prev\"")
        );
        assert_eq!(
            header_of(None, Some("/users?page=1")).as_deref(),
            Some("</users?page=1>; rel=\"prev\"")
        );
    }

    #[test]
    fn a_link_escapes_its_values() {
        let search = Some("a&b=c #%\"+ä".to_owned());
        assert_eq!(
            link("/users", [("search", search), ("sort", None)]),
            "/users?search=a%26b%3Dc+%23%25%22%2B%C3%A4"
        );
    }
}
