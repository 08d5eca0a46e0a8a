//! The one error type of use cases and ports.

use std::{convert::Infallible, error::Error as StdError, fmt, time::Duration};

/// `Result` with Roster's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a use case has no result.
///
/// The three kinds differ in who may read them: the first two are for the caller, the last is for
/// the operator. There is no way from [`Error::Internal`] into an answer's body.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input is wrong; every wrong field is named at once.
    #[error("invalid input: {0:?}")]
    Invalid(Vec<FieldError>),
    /// The policy rejects the new password. Only the handler knows which field that is.
    #[error("the new password is rejected: {0:?}")]
    PasswordRejected(Violation),
    /// The input is fine, the answer is no.
    #[error("refused: {0:?}")]
    Refused(Refusal),
    /// Something inside failed. Retrying may help.
    #[error(transparent)]
    Internal(Box<dyn StdError + Send + Sync>),
}

impl Error {
    /// An internal error, described in words.
    pub fn internal(message: impl fmt::Display) -> Self {
        Self::Internal(message.to_string().into())
    }

    /// An internal error with its cause.
    pub fn caused_by(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    /// True when a repetition of the same call may succeed.
    pub fn is_internal(&self) -> bool {
        matches!(self, Self::Internal(_))
    }

    /// True when the use case came to a decision: nothing failed, nothing it needs was missing or
    /// changed meanwhile.
    pub fn is_decision(&self) -> bool {
        match self {
            Self::Refused(refusal) => !matches!(
                refusal,
                Refusal::Unavailable(_)
                    | Refusal::ProviderUnavailable(_)
                    | Refusal::NoHealthyInstance(_)
                    | Refusal::VersionConflict
            ),
            Self::Invalid(_) | Self::PasswordRejected(_) | Self::Internal(_) => false,
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<FieldError> for Error {
    fn from(error: FieldError) -> Self {
        Self::Invalid(vec![error])
    }
}

/// One wrong field of the input.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldError {
    /// RFC 6901 pointer into the body (`/email`), or the name of a query parameter (`page`).
    pub pointer: String,
    /// Stable code for programs, such as `too-short`.
    pub code: &'static str,
    /// A sentence for people. Never repeats the value.
    pub message: String,
}

impl FieldError {
    /// A wrong field.
    pub fn new(pointer: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            code,
            message: message.into(),
        }
    }
}

/// Why a raw value is not one of ours; it becomes a [`FieldError`] where the field is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Stable code for programs.
    pub code: &'static str,
    /// A sentence for people. Never repeats the value.
    pub message: String,
}

impl Violation {
    /// A violation.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// The violation as an error of the field at `pointer`.
    pub fn at(self, pointer: impl Into<String>) -> FieldError {
        FieldError::new(pointer, self.code, self.message)
    }
}

/// Any text will do for some fields.
impl From<Infallible> for Violation {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// Why a use case says no. `http::problem` gives each its status, code and sentence, in one
/// exhaustive match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// No valid access token.
    Unauthenticated,
    /// The caller may not do this.
    Forbidden,
    /// No such thing, or none the caller may know of.
    NotFound,
    /// Another user has this address.
    EmailTaken,
    /// Unknown address, wrong password, inactive account: one answer for all.
    InvalidCredentials,
    /// The refresh token is none, or its session is over: one answer for all.
    InvalidRefreshToken,
    /// The refresh token was exchanged a moment ago, and its successor used.
    RefreshSuperseded,
    /// Another write came first.
    VersionConflict,
    /// The `If-Match` given is not the current version.
    PreconditionFailed,
    /// It would leave no active administrator.
    LastAdministrator,
    /// The user is deactivated already.
    AlreadyDeactivated,
    /// The user is active already.
    AlreadyActive,
    /// The user has not accepted the invitation yet.
    InvitationOpen,
    /// The identity at a provider is linked to another user.
    IdentityTaken,
    /// The user has as many logins as a user may have.
    TooManyIdentities,
    /// It would leave no way to sign in.
    LastLogin,
    /// The sign-in of the session is too long ago for this; says how recent it must be.
    RecentSignInRequired(Duration),
    /// The one-time token is unknown, used or expired.
    TokenExpired,
    /// A link alone does not show who controls the account.
    ProofRequired,
    /// An account that was confirmed is not erased by a link.
    AccountEstablished,
    /// A provider knows the person, and gives no address for a new user.
    EmailMissing,
    /// The caller has not proven the address.
    AddressUnproven,
    /// The user whom the request is about has not proven the address.
    UserUnproven,
    /// The `Idempotency-Key` came before with another body.
    KeyReused,
    /// The first request with this `Idempotency-Key` still runs.
    StillRunning,
    /// Too many tries; says when the next may come.
    TooManyRequests(Duration),
    /// The service has as many instances as a service may have.
    TooManyInstances,
    /// No instance of the service is healthy; says when to try again.
    NoHealthyInstance(Duration),
    /// The OpenID provider does not answer as it should; says when to try again.
    ProviderUnavailable(Duration),
    /// A part Roster depends on does not answer; says when to try again.
    Unavailable(Duration),
}

impl Refusal {
    /// The refusal of an attempt that may be made after `wait`.
    pub fn too_many(wait: Duration) -> Self {
        // Rounded up: a client that obeys `Retry-After` must not be too early.
        Self::TooManyRequests(wait.saturating_add(Duration::from_millis(999)))
    }
}

/// An error with its causes, for the log.
#[derive(Debug)]
pub struct Causes<'a>(pub &'a (dyn StdError + 'a));

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the table does not answer")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn each_cause_is_written_once() {
        let cause = std::io::Error::other("connection reset");
        let error = Error::caused_by(Outer(cause));
        assert_eq!(
            Causes(&error).to_string(),
            "the table does not answer: connection reset"
        );
        assert_eq!(Causes(&Error::internal("no key")).to_string(), "no key");
    }

    #[test]
    fn a_refusal_is_no_failure() {
        assert!(Error::internal("no key").is_internal());
        assert!(!Error::from(Refusal::NotFound).is_internal());
    }
}
