//! Problem documents (RFC 9457): what a client learns of an error.

use domain::{FieldError, Refusal};
use lambda_http::{
    Body, Response as RawResponse,
    http::{HeaderName, HeaderValue, StatusCode, header},
};
use serde_json::json;

use super::{Error, TransportError};

/// The field for a new password, in every body that changes one.
const NEW_PASSWORD: &str = "/newPassword";

/// The public info of a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProblemInfo {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable code for programs.
    pub code: &'static str,
    /// A sentence for people.
    pub detail: String,
}

/// A document lists so many errors of a request: more help nobody, and an answer must not be larger than
/// what it answers.
const MOST_ERRORS: usize = 32;

const INVALID: &str = "invalid";
const INTERNAL: &str = "internal";

/// The info of each refusal. Exhaustive: a new refusal does not compile without one.
#[expect(clippy::too_many_lines, reason = "a table: an arm for each refusal")]
pub fn info(refusal: &Refusal) -> ProblemInfo {
    use Refusal as R;
    let (status, code, detail) = match refusal {
        R::Unauthenticated => (
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "A valid access token is needed.",
        ),
        R::Forbidden => (
            StatusCode::FORBIDDEN,
            "forbidden",
            "The caller may not do this.",
        ),
        R::NotFound => (StatusCode::NOT_FOUND, "not-found", "There is nothing here."),
        R::EmailTaken => (
            StatusCode::CONFLICT,
            "email-taken",
            "Another user has this address.",
        ),
        R::InvalidCredentials => (
            StatusCode::UNAUTHORIZED,
            "invalid-credentials",
            "What was presented is wrong, or the account is not active.",
        ),
        R::InvalidRefreshToken => (
            StatusCode::UNAUTHORIZED,
            "invalid-refresh-token",
            "The refresh token does not count, or not any more; sign in again.",
        ),
        R::RefreshSuperseded => (
            StatusCode::CONFLICT,
            "refresh-superseded",
            "Newer tokens of this session are in use: go on with those.",
        ),
        R::VersionConflict => (
            StatusCode::CONFLICT,
            "version-conflict",
            "Another change came first; read the user again.",
        ),
        R::PreconditionFailed => (
            StatusCode::PRECONDITION_FAILED,
            "precondition-failed",
            "The user is not at the version in If-Match.",
        ),
        R::LastAdministrator => (
            StatusCode::CONFLICT,
            "last-administrator",
            "One active administrator must stay.",
        ),
        R::AlreadyDeactivated => (
            StatusCode::CONFLICT,
            "already-deactivated",
            "The user is deactivated already.",
        ),
        R::AlreadyActive => (
            StatusCode::CONFLICT,
            "already-active",
            "The user is active already.",
        ),
        R::InvitationOpen => (
            StatusCode::CONFLICT,
            "invitation-open",
            "The user has not accepted the invitation yet.",
        ),
        R::IdentityTaken => (
            StatusCode::CONFLICT,
            "identity-taken",
            "The identity is linked to another user.",
        ),
        R::TooManyIdentities => (
            StatusCode::CONFLICT,
            "too-many-identities",
            "A user has at most ten logins, the address included.",
        ),
        R::LastLogin => (
            StatusCode::CONFLICT,
            "last-login",
            "It is the only way to sign in; set a password first.",
        ),
        R::RecentSignInRequired(_) => (
            StatusCode::UNAUTHORIZED,
            "recent-sign-in-required",
            "This needs a recent sign-in: prove again who you are, or sign in again.",
        ),
        R::TokenExpired => (
            StatusCode::GONE,
            "token-expired",
            "The token is unknown, used or expired; ask for a new one.",
        ),
        R::ProofRequired => (
            StatusCode::UNAUTHORIZED,
            "proof-required",
            "The link is good, and not enough: sign in, or send the password or a new one.",
        ),
        R::AccountEstablished => (
            StatusCode::CONFLICT,
            "account-established",
            "A link does not erase this account; sign in, or reset the password.",
        ),
        R::EmailMissing => (
            StatusCode::FORBIDDEN,
            "email-missing",
            "The provider gave no e-mail address that can be used; share one with this application.",
        ),
        R::AddressUnproven => (
            StatusCode::FORBIDDEN,
            "address-unproven",
            "Confirm your address first.",
        ),
        R::UserUnproven => (
            StatusCode::CONFLICT,
            "address-unproven",
            "The user has not confirmed the address.",
        ),
        R::KeyReused => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency-key-reused",
            "This Idempotency-Key came before with another request.",
        ),
        R::StillRunning => (
            StatusCode::CONFLICT,
            "still-running",
            "The first request with this Idempotency-Key still runs.",
        ),
        R::TooManyRequests(_) => (
            StatusCode::TOO_MANY_REQUESTS,
            "too-many-requests",
            "Too many tries; see Retry-After.",
        ),
        R::TooManyInstances => (
            StatusCode::CONFLICT,
            "too-many-instances",
            "A service has at most 20 instances; deregister those that are gone.",
        ),
        R::NoHealthyInstance(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "no-healthy-instance",
            "No instance of the service is healthy; see Retry-After.",
        ),
        R::ProviderUnavailable(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "provider-unavailable",
            "The identity provider does not answer; see Retry-After.",
        ),
        R::Unavailable(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "A part Roster depends on does not answer; see Retry-After.",
        ),
    };
    let detail = detail.to_owned();
    ProblemInfo {
        status,
        code,
        detail,
    }
}

pub fn transport_info(error: &TransportError) -> ProblemInfo {
    use TransportError as T;
    let (status, code, detail) = match error {
        T::Malformed(detail) => (StatusCode::BAD_REQUEST, "malformed", detail.as_str()),
        T::TooLarge => (
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "The body is larger than 64 KB.",
        ),
        T::UnsupportedMediaType => (
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "The body must be JSON and say so in Content-Type.",
        ),
        T::UnsupportedCoding => (
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "The body must not be compressed or encoded: no Content-Encoding but identity.",
        ),
        T::MethodNotAllowed(_) => (
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "The path does not know this method.",
        ),
    };
    let detail = detail.to_owned();
    ProblemInfo {
        status,
        code,
        detail,
    }
}

/// The header that goes with a refusal.
fn refusal_header(refusal: &Refusal) -> Option<(HeaderName, String)> {
    match refusal {
        // RFC 6750, 3.
        Refusal::Unauthenticated | Refusal::ProofRequired => Some((
            header::WWW_AUTHENTICATE,
            "Bearer realm=\"roster\"".to_owned(),
        )),
        Refusal::InvalidCredentials | Refusal::InvalidRefreshToken => Some((
            header::WWW_AUTHENTICATE,
            "Password realm=\"roster\"".to_owned(),
        )),
        // RFC 9470, 3.
        Refusal::RecentSignInRequired(most) => Some((
            header::WWW_AUTHENTICATE,
            format!(
                "Bearer error=\"insufficient_user_authentication\", max_age=\"{}\"",
                most.as_secs()
            ),
        )),
        Refusal::TooManyRequests(wait)
        | Refusal::ProviderUnavailable(wait)
        | Refusal::NoHealthyInstance(wait)
        | Refusal::Unavailable(wait) => {
            Some((header::RETRY_AFTER, wait.as_secs().max(1).to_string()))
        }
        _ => None,
    }
}

/// What became of a request, in a word for the log: the code of its problem, or `ok`.
pub fn outcome<T>(answer: &Result<T, Error>) -> &'static str {
    use domain::Error as D;
    match answer {
        Ok(_) => "ok",
        Err(Error::Domain(D::Invalid(_) | D::PasswordRejected(_))) => INVALID,
        Err(Error::Domain(D::Refused(refusal))) => info(refusal).code,
        Err(Error::Domain(D::Internal(_))) => INTERNAL,
        Err(Error::Transport(error)) => transport_info(error).code,
    }
}

/// The document for an error.
pub fn render(error: &Error, request_id: &str) -> RawResponse<Body> {
    use domain::Error as D;
    match error {
        Error::Domain(D::Invalid(errors)) => invalid(errors, request_id),
        Error::Domain(D::PasswordRejected(violation)) => {
            invalid(&[violation.clone().at(NEW_PASSWORD)], request_id)
        }
        Error::Domain(D::Refused(refusal)) => {
            let response = problem(&info(refusal), request_id);
            with_header(response, refusal_header(refusal))
        }
        // Nothing of the cause: it is for the operator, who finds it by the request id.
        Error::Domain(D::Internal(_)) => problem(
            &ProblemInfo {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                code: INTERNAL,
                detail: "Something failed inside. Report the request id.".to_owned(),
            },
            request_id,
        ),
        Error::Transport(error) => {
            let response = problem(&transport_info(error), request_id);
            let tells = match error {
                TransportError::MethodNotAllowed(methods) => Some((header::ALLOW, methods.clone())),
                // RFC 9110, 15.5.16.
                TransportError::UnsupportedCoding => {
                    Some((header::ACCEPT_ENCODING, "identity".to_owned()))
                }
                _ => None,
            };
            with_header(response, tells)
        }
    }
}

fn invalid(errors: &[FieldError], request_id: &str) -> RawResponse<Body> {
    let info = ProblemInfo {
        status: StatusCode::UNPROCESSABLE_ENTITY,
        code: INVALID,
        detail: "Some fields are wrong; see errors.".to_owned(),
    };
    let mut document = document(&info, request_id);
    let listed: Vec<_> = errors.iter().take(MOST_ERRORS).collect();
    document["errors"] = json!(listed);
    respond(info.status, &document)
}

fn problem(info: &ProblemInfo, request_id: &str) -> RawResponse<Body> {
    respond(info.status, &document(info, request_id))
}

fn document(info: &ProblemInfo, request_id: &str) -> serde_json::Value {
    json!({
        "type": "about:blank",
        "title": info.status.canonical_reason().unwrap_or_default(),
        "status": info.status.as_u16(),
        "code": info.code,
        "detail": info.detail,
        "requestId": request_id,
    })
}

fn respond(status: StatusCode, document: &serde_json::Value) -> RawResponse<Body> {
    let mut response = RawResponse::new(Body::Text(document.to_string()));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

fn with_header(
    mut response: RawResponse<Body>,
    extra: Option<(HeaderName, String)>,
) -> RawResponse<Body> {
    if let Some((name, value)) = extra
        && let Ok(value) = HeaderValue::from_str(&value)
    {
        response.headers_mut().insert(name, value);
    }
    response
}

#[cfg(test)]
mod tests;
