//! Why a request gets a problem for an answer.

use domain::{FieldError, Refusal};

/// What a handler returns instead of a response.
#[derive(Debug)]
pub enum Error {
    /// The use case has no result.
    Domain(domain::Error),
    /// The request never reached the use case.
    Transport(TransportError),
}

/// A request that is not HTTP as this API speaks it. No use case knows these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransportError {
    /// The body is not a JSON object, or a header is not ASCII; says what is wrong.
    Malformed(String),
    /// The body is larger than 64 KB.
    TooLarge,
    /// The body has another media type.
    UnsupportedMediaType,
    /// The body is compressed, or encoded in another way.
    UnsupportedCoding,
    /// The path exists, but not with this method; says which methods it has.
    MethodNotAllowed(String),
}

impl From<domain::Error> for Error {
    fn from(error: domain::Error) -> Self {
        Self::Domain(error)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Domain(refusal.into())
    }
}

impl From<FieldError> for Error {
    fn from(error: FieldError) -> Self {
        Self::Domain(error.into())
    }
}

impl From<TransportError> for Error {
    fn from(error: TransportError) -> Self {
        Self::Transport(error)
    }
}
