//! A request, read once.

use std::net::IpAddr;

use application::{idempotency::IdempotencyKey, user_updates::Target};
use domain::{Actor, Origin, Refusal, Result, UserId, Version, error::Violation};
use lambda_http::{
    Request as RawRequest, RequestExt as _,
    http::{HeaderMap, Method, header},
    request::RequestContext,
};
use serde_json::Value;

use super::{Caller, Fields};

/// Bytes a body may have.
const MAX_BODY: usize = 64 * 1024;

/// What stands for the caller's own id in a path.
const ME: &str = "me";

/// Characters of an `Idempotency-Key`.
const MAX_KEY: usize = 255;

/// Characters of a `User-Agent` that are kept.
const MAX_USER_AGENT: usize = 256;

/// A request as handlers see it.
#[derive(Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path, without the query.
    pub path: String,
    /// Principal calls; none if nobody signed in, or if the function does not ask.
    pub caller: Option<Caller>,
    /// The `iss` of tokens issued and accepted here.
    pub issuer: String,
    headers: HeaderMap,
    body: Vec<u8>,
    query: Vec<(String, String)>,
    parameters: Vec<(String, String)>,
    request_id: String,
    deadline: Option<u64>,
    client_ip: Option<IpAddr>,
    domain: String,
}

impl Request {
    /// Reads a request. Gives also its route, such as `GET /users/{id}`, for the log.
    pub(super) fn read(request: RawRequest) -> (Self, String) {
        let invocation = request.lambda_context_ref();
        let lambda_id = invocation.map(|context| context.request_id.clone());
        let deadline = invocation.map(|context| context.deadline);
        let path = request.raw_http_path().to_owned();
        let query = owned(request.query_string_parameters_ref());
        let parameters = owned(request.path_parameters_ref());
        let context = match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => Some(context.clone()),
            _ => None,
        };
        let (parts, body) = request.into_parts();
        let context = context.unwrap_or_default();
        let request = Self {
            method: parts.method,
            path,
            caller: None,
            issuer: String::new(),
            headers: parts.headers,
            body: body.to_vec(),
            query,
            parameters,
            request_id: context.request_id.or(lambda_id).unwrap_or_default(),
            deadline,
            client_ip: context
                .http
                .source_ip
                .and_then(|address| address.parse().ok()),
            domain: context.domain_name.unwrap_or_default(),
        };
        (request, context.route_key.unwrap_or_default())
    }

    /// The id of the request.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// When Lambda ends the worker, in milliseconds since 1970; none outside of Lambda.
    pub(super) fn deadline(&self) -> Option<u64> {
        self.deadline
    }

    /// The domain name the client called.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// A header, if the client sent it as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The query's names and values, in the order sent.
    pub fn query(&self) -> impl Iterator<Item = (&str, &str)> {
        self.query
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The bytes of the body.
    pub fn raw_body(&self) -> &[u8] {
        &self.body
    }

    /// A part of the path, by its name in the route.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut parameters = self.parameters.iter();
        let found = parameters.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The user in the path; `me` is the caller, and so is a path that names nobody.
    ///
    /// # Errors
    /// `NotFound` if it is not an id: there is no such user then.
    pub fn user_id(&self) -> Result<UserId> {
        self.user_id_for(self.caller.as_ref())
    }

    /// The user whom the path means when `caller` calls.
    pub(super) fn user_id_for(&self, caller: Option<&Caller>) -> Result<UserId> {
        let id = match (self.parameter("id"), caller) {
            (Some(ME) | None, Some(caller)) => Some(caller.user_id),
            (id, _) => id.and_then(|id| id.parse().ok()),
        };
        id.ok_or_else(|| Refusal::NotFound.into())
    }

    /// Principal calls, where a handler must know.
    ///
    /// # Errors
    /// `Unauthenticated` if nobody signed in; where [`Access`](super::Access) asks for it, somebody
    /// did.
    pub fn signed_in(&self) -> Result<&Caller> {
        Ok(self.caller.as_ref().ok_or(Refusal::Unauthenticated)?)
    }

    /// The `Idempotency-Key` with the body it came with, if the client sent one.
    ///
    /// # Errors
    /// If the key is empty, longer than 255 characters or not visible ASCII.
    pub fn idempotency_key(&self) -> Result<Option<IdempotencyKey>> {
        let Some(key) = self.header("idempotency-key") else {
            return Ok(None);
        };
        let is_visible = key.bytes().all(|byte| byte.is_ascii_graphic());
        if key.is_empty() || key.len() > MAX_KEY || !is_visible {
            let violation =
                Violation::new("invalid-key", "must have 1 to 255 visible ASCII characters");
            return Err(violation.at("Idempotency-Key").into());
        }
        Ok(Some(IdempotencyKey::new(key, &self.body)))
    }

    /// What a command on the user in the path is about.
    ///
    /// # Errors
    /// Those of [`Request::user_id`] and [`Request::if_match`].
    pub fn target(&self) -> Result<Target> {
        Ok(Target {
            id: self.user_id()?,
            expected: self.if_match()?,
            origin: self.origin(),
        })
    }

    /// The version in `If-Match`: nothing if there is none, or if any will do (`*`).
    ///
    /// # Errors
    /// `PreconditionFailed` if it is no tag of ours: no user is at that version (RFC 9110, 13.1.1).
    pub fn if_match(&self) -> Result<Option<Version>> {
        match self.header(header::IF_MATCH.as_str()).map(str::trim) {
            None | Some("*") => Ok(None),
            Some(tag) => tag
                .strip_prefix('"')
                .and_then(|tag| tag.strip_suffix('"'))
                .and_then(|version| version.parse().ok())
                .map(|version: u64| Some(Version::from(version)))
                .ok_or_else(|| Refusal::PreconditionFailed.into()),
        }
    }

    /// Where the command came from.
    pub fn origin(&self) -> Origin {
        Origin {
            actor: self
                .caller
                .as_ref()
                .map_or(Actor::Anonymous, |caller| Actor::User(caller.user_id)),
            client_ip: self.client_ip,
            user_agent: self
                .header(header::USER_AGENT.as_str())
                .map(|agent| agent.chars().take(MAX_USER_AGENT).collect()),
            request_id: self.request_id.clone(),
            traceparent: self
                .header("traceparent")
                .filter(|trace| is_traceparent(trace))
                .map(str::to_owned),
        }
    }

    /// The fields of the JSON object in the body.
    ///
    /// # Errors
    /// `TooLarge` over 64 KB, `UnsupportedMediaType` unless `application/json`, `Malformed` if it is
    /// not a JSON object.
    pub fn fields(&self) -> Result<Fields> {
        self.fields_as(&["application/json"])
    }

    /// The fields of the JSON object in a body of one of these media types.
    pub fn fields_as(&self, media_types: &[&str]) -> Result<Fields> {
        if self.body.len() > MAX_BODY {
            return Err(Refusal::TooLarge.into());
        }
        let content_type = self
            .header(header::CONTENT_TYPE.as_str())
            .unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if !media_types
            .iter()
            .any(|accepted| accepted.eq_ignore_ascii_case(essence))
        {
            return Err(Refusal::UnsupportedMediaType.into());
        }
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(fields)) => Ok(Fields::new(fields)),
            Ok(_) => Err(Refusal::Malformed("the body is not a JSON object".to_owned()).into()),
            // The parser's own words can hold a piece of the body; the place is enough.
            Err(error) => {
                let (line, column) = (error.line(), error.column());
                Err(Refusal::Malformed(format!(
                    "the body is not JSON: line {line}, column {column}"
                ))
                .into())
            }
        }
    }
}

fn owned(
    map: Option<&lambda_http::aws_lambda_events::query_map::QueryMap>,
) -> Vec<(String, String)> {
    map.into_iter()
        .flat_map(|map| map.iter())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// W3C Trace Context, 3.2: version 00 has 55 characters.
fn is_traceparent(text: &str) -> bool {
    text.len() == 55
        && text
            .bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}
