//! A request, read once.

use std::{net::IpAddr, str::FromStr};

use adapters::xray;
use application::{idempotency::IdempotencyKey, user_updates::Target};
use domain::{Actor, Authority, Origin, Refusal, Result, UserId, Version, error::Violation};
use lambda_http::{
    Request as RawRequest, RequestExt as _,
    http::{HeaderMap, HeaderName, Method, header},
    request::RequestContext,
};

use super::{
    Caller, Error, Machine, TrustedProxies,
    body::{self, Content, JsonObject, RequestBody},
    error::TransportError,
    preconditions::{self, Conditions},
};

/// The media type of bodies (RFC 8259, 11).
const JSON: &str = "application/json";

/// The media type of merge patches (RFC 7396, 4).
const MERGE_PATCH: &str = "application/merge-patch+json";

/// The caller's own id in a path.
const ME: &str = "me";

/// Characters of an `Idempotency-Key`.
const MAX_KEY: usize = 255;

/// Bytes of a `traceparent` of version 00.
const TRACEPARENT_LENGTH: usize = 55;

/// Characters of a `User-Agent` that are kept.
const MAX_USER_AGENT: usize = 256;

/// Headers that decide what is done. One that cannot be read would be taken for one that was not sent:
/// a caller would become anonymous, and a condition would be none.
const DECISIVE: [HeaderName; 6] = [
    header::AUTHORIZATION,
    header::CONTENT_ENCODING,
    header::CONTENT_TYPE,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    HeaderName::from_static(IDEMPOTENCY_KEY),
];

const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// A request as handlers see it.
#[derive(Debug)]
pub struct Request {
    /// GET for HEAD too: what answers a GET answers HEAD, less the body (RFC 9110, 9.3.2).
    pub method: Method,
    /// The path, without the query.
    pub path: String,
    /// The user who calls; `None` without an access token, or if the function does not look at tokens.
    pub caller: Option<Caller>,
    /// The machine that calls; `None` unless an API key was sent.
    pub machine: Option<Machine>,
    /// The sender of a genuine token that does not count any more, where the access is
    /// [`repeatable`](super::Access::repeatable). May learn of an own request that it was carried out.
    pub former_caller: Option<UserId>,
    /// The `iss` of tokens issued and accepted here.
    pub issuer: String,
    is_head: bool,
    headers: HeaderMap,
    body: Vec<u8>,
    query: Vec<(String, String)>,
    parameters: Vec<(String, String)>,
    id: String,
    deadline: Option<u64>,
    /// The trace in which Lambda runs this, if it is sampled.
    xray: Option<String>,
    client_ip: Option<IpAddr>,
    domain: String,
}

impl Request {
    /// Reads a request. Returns also its route, such as `GET /users/{id}`, for the log.
    pub(super) fn read(request: RawRequest) -> (Self, String) {
        let invocation = request.lambda_context_ref();
        let lambda_id = invocation.map(|context| context.request_id.clone());
        let deadline = invocation.map(|context| context.deadline);
        let xray = invocation.and_then(|context| context.xray_trace_id.as_deref());
        let xray = xray.and_then(xray::to_traceparent);
        let path = request.raw_http_path().to_owned();
        let query = owned(request.query_string_parameters_ref());
        let parameters = owned(request.path_parameters_ref());
        let context = match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => Some(context.clone()),
            _ => None,
        };
        let (parts, body) = request.into_parts();
        let context = context.unwrap_or_default();
        let is_head = parts.method == Method::HEAD;
        let request = Self {
            method: if is_head { Method::GET } else { parts.method },
            is_head,
            path,
            caller: None,
            machine: None,
            former_caller: None,
            issuer: String::new(),
            headers: parts.headers,
            body: body.to_vec(),
            query,
            parameters,
            id: context.request_id.or(lambda_id).unwrap_or_default(),
            deadline,
            xray,
            client_ip: context
                .http
                .source_ip
                .and_then(|address| address.parse().ok()),
            domain: context.domain_name.unwrap_or_default(),
        };
        (request, context.route_key.unwrap_or_default())
    }

    pub fn request_id(&self) -> &str {
        &self.id
    }

    /// When Lambda ends the worker, in milliseconds since 1970; none outside of Lambda.
    pub(super) fn deadline(&self) -> Option<u64> {
        self.deadline
    }

    /// From now on the client is the one that a trusted proxy names. Before, it is whoever sent the request.
    ///
    /// # Errors
    /// Those of [`TrustedProxies::client`].
    pub(super) fn identify_client(
        &mut self,
        proxies: &TrustedProxies,
    ) -> Result<(), TransportError> {
        if let Some(client) = proxies.client(&self.headers)? {
            self.client_ip = Some(client);
        }
        Ok(())
    }

    /// The domain name the client called.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// True if the answer goes without its body.
    pub(super) fn is_head(&self) -> bool {
        self.is_head
    }

    /// # Errors
    /// `Malformed` if a header that decides what is done is not ASCII.
    pub(super) fn refuse_unreadable_headers(&self) -> Result<(), TransportError> {
        let is_unreadable = |name: &&HeaderName| {
            self.headers
                .get_all(*name)
                .iter()
                .any(|it| it.to_str().is_err())
        };
        match DECISIVE.iter().find(is_unreadable) {
            Some(name) => Err(TransportError::Malformed(format!(
                "the header {name} has characters that are not visible ASCII"
            ))),
            None => Ok(()),
        }
    }

    /// What the client knows already.
    pub(super) fn conditions(&self) -> Conditions {
        let tags = self.header(header::IF_NONE_MATCH.as_str());
        Conditions::new(tags.filter(|_| self.method == Method::GET))
    }

    /// A header, if it was sent and is ASCII. Those that decide what is done always are.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The query's names and values, in the order sent.
    pub fn query(&self) -> impl Iterator<Item = (&str, &str)> {
        self.query
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A part of the path, by its name in the route.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut parameters = self.parameters.iter();
        let found = parameters.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// What the part of the path with this name means.
    ///
    /// # Errors
    /// `NotFound` if it can mean nothing.
    pub fn named<T: FromStr>(&self, name: &str) -> Result<T> {
        let meant = self.parameter(name).and_then(|raw| raw.parse().ok());
        meant.ok_or(Refusal::NotFound.into())
    }

    /// The user in the path; `me` is the caller, and so is a path without an id.
    ///
    /// # Errors
    /// `NotFound` if the id is none of ours.
    pub fn user_id(&self) -> Result<UserId> {
        self.user_id_for(self.caller.as_ref())
    }

    /// The user in the path if `caller` calls.
    pub(super) fn user_id_for(&self, caller: Option<&Caller>) -> Result<UserId> {
        let caller = caller.map(|caller| caller.user_id);
        let id = match (self.parameter("id"), caller.or(self.former_caller)) {
            (Some(ME) | None, Some(caller)) => Some(caller),
            (id, _) => id.and_then(|id| id.parse().ok()),
        };
        id.ok_or_else(|| Refusal::NotFound.into())
    }

    /// Who calls, for handlers that need to know.
    ///
    /// # Errors
    /// `Unauthenticated` without a token. Never happens where [`Access`](super::Access) requires one.
    pub fn signed_in(&self) -> Result<&Caller> {
        Ok(self.caller.as_ref().ok_or(Refusal::Unauthenticated)?)
    }

    /// The `Idempotency-Key` with the path and the body it came with, if the client sent one.
    ///
    /// # Errors
    /// If the key is empty, longer than 255 characters or not visible ASCII.
    pub fn idempotency_key(&self) -> Result<Option<IdempotencyKey>> {
        let Some(key) = self.header(IDEMPOTENCY_KEY) else {
            return Ok(None);
        };
        let is_visible = key.bytes().all(|byte| byte.is_ascii_graphic());
        if key.is_empty() || key.len() > MAX_KEY || !is_visible {
            let violation =
                Violation::new("invalid-key", "must have 1 to 255 visible ASCII characters");
            return Err(violation.at("Idempotency-Key").into());
        }
        // A client that writes its JSON anew may write it in another order.
        let canonical = body::json::canonical(&self.body);
        let body = canonical.as_deref().unwrap_or(&self.body);
        let request = [self.path.as_bytes(), b"\n", body].concat();
        Ok(Some(IdempotencyKey::new(key, &request)))
    }

    /// The user in the path, and the preconditions of the command.
    ///
    /// # Errors
    /// Those of [`Request::user_id`] and [`Request::if_match`].
    pub fn target(&self) -> Result<Target> {
        Ok(Target {
            id: self.user_id()?,
            expected: self.if_match()?,
            origin: self.origin(),
            authority: self.authority(),
        })
    }

    /// The versions in `If-Match`; `None` if there is no such header, or if any version will do (`*`).
    ///
    /// # Errors
    /// `PreconditionFailed` if none of the tags is ours: no user is at such a version (RFC 9110,
    /// 13.1.1).
    pub fn if_match(&self) -> Result<Option<Vec<Version>>> {
        match self.header(header::IF_MATCH.as_str()) {
            Some(tags) => preconditions::versions(tags),
            None => Ok(None),
        }
    }

    /// What the caller may do to others.
    pub fn authority(&self) -> Authority {
        match (&self.caller, &self.machine) {
            (Some(caller), _) => caller.authority,
            (None, Some(machine)) => machine.authority,
            (None, None) => Authority::None,
        }
    }

    /// Where the command came from.
    pub fn origin(&self) -> Origin {
        Origin {
            actor: match (&self.caller, &self.machine, self.former_caller) {
                (Some(caller), ..) => Actor::User(caller.user_id),
                (None, Some(machine), _) => Actor::ApiKey(machine.key_id),
                (None, None, Some(user_id)) => Actor::User(user_id),
                (None, None, None) => Actor::Anonymous,
            },
            client_ip: self.client_ip,
            user_agent: self.user_agent(),
            request_id: self.id.clone(),
            traceparent: self.traceparent(),
        }
    }

    /// The client's trace; without one, that of X-Ray.
    pub(super) fn traceparent(&self) -> Option<String> {
        let sent = self.header("traceparent").and_then(traceparent);
        sent.or_else(|| self.xray.clone())
    }

    /// Whatever it is made of: it is shown to people and decides nothing.
    fn user_agent(&self) -> Option<String> {
        let agent = self.headers.get(header::USER_AGENT)?;
        let agent = String::from_utf8_lossy(agent.as_bytes());
        Some(agent.chars().take(MAX_USER_AGENT).collect())
    }

    /// The body, a JSON object.
    ///
    /// # Errors
    /// `TooLarge` over 64 KB, `UnsupportedCoding` if it is compressed, `UnsupportedMediaType` unless
    /// `application/json`, `Malformed` if it is not a JSON object or has a name twice; `Invalid` with every
    /// wrong field.
    pub fn body<B: RequestBody>(&self) -> Result<B, Error> {
        self.body_with(B::read)
    }

    /// The body as `read` reads it, where that takes more than the body.
    ///
    /// # Errors
    /// As [`Request::body`].
    pub fn body_with<B>(
        &self,
        read: impl FnOnce(&mut JsonObject) -> Option<B>,
    ) -> Result<B, Error> {
        self.read_json(&[JSON], read)
    }

    /// The body, a merge patch (RFC 7396); also as the plain JSON that clients send who do not know
    /// that media type.
    ///
    /// # Errors
    /// As [`Request::body`].
    pub fn merge_patch<B: RequestBody>(&self) -> Result<B, Error> {
        self.read_json(&[MERGE_PATCH, JSON], B::read)
    }

    fn read_json<B>(
        &self,
        media_types: &[&str],
        read: impl FnOnce(&mut JsonObject) -> Option<B>,
    ) -> Result<B, Error> {
        let header = |name: HeaderName| self.header(name.as_str()).unwrap_or_default();
        let content = Content {
            body: &self.body,
            kind: header(header::CONTENT_TYPE),
            coding: header(header::CONTENT_ENCODING),
        };
        body::read_json(&content, media_types, read)
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

/// The header `traceparent` (W3C Trace Context, 3.2), as version 00 writes it. `None` if it is wrong: the
/// trace then begins here (4.3). What a higher version has beyond version 00 is dropped (3.2.4).
pub(super) fn traceparent(header: &str) -> Option<String> {
    let known = header.get(..TRACEPARENT_LENGTH)?;
    let rest = &header[TRACEPARENT_LENGTH..];
    let mut parts = known.split('-');
    let mut part = |length| parts.next().filter(|part| is_hex(part, length));
    let (version, trace_id, parent_id, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
    let version_is_right = match version {
        "ff" => false,
        "00" => rest.is_empty(),
        _ => rest.is_empty() || rest.starts_with('-'),
    };
    (version_is_right && !is_zero(trace_id) && !is_zero(parent_id))
        .then(|| format!("00-{trace_id}-{parent_id}-{flags}"))
}

fn is_hex(part: &str, length: usize) -> bool {
    let is_lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    part.len() == length && part.bytes().all(is_lower_hex)
}

fn is_zero(id: &str) -> bool {
    id.bytes().all(|byte| byte == b'0')
}
