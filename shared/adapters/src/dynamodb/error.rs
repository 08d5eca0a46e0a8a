//! Classifies errors of the SDK.

use std::{error::Error as StdError, time::Duration};

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use domain::{Error, Refusal, error::Causes};

/// Why a call failed, other than by an unmet condition.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Transient: the same call may succeed in a moment. A write may have happened.
    Passing(String),
    /// The same call will fail again: a permission, a table, a request that is wrong.
    Lasting(String),
}

/// The `Retry-After` of a transient fault: by then an on-demand table has split, and a conflicting
/// transaction has long ended.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Codes of transient errors, besides every answer with a status of 500 and above. The first four
/// are also the codes of cancellation reasons.
const PASSING: [&str; 10] = [
    "ProvisionedThroughputExceeded",
    "ThrottlingError",
    "TransactionConflict",
    "RequestLimitExceeded",
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "ReplicatedWriteConflictException",
    "ThrottlingException",
    "TransactionConflictException",
    "TransactionInProgressException",
];

/// True if an error or a cancellation reason with this code is transient.
pub(super) fn passes(code: &str) -> bool {
    PASSING.contains(&code)
}

impl Fault {
    /// Classifies `error` of `operation`.
    pub(super) fn of<E>(operation: &str, error: &SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        let passing = match error {
            SdkError::TimeoutError(_)
            | SdkError::DispatchFailure(_)
            | SdkError::ResponseError(_) => true,
            SdkError::ServiceError(context) => {
                context.raw().status().as_u16() >= 500 || context.err().code().is_some_and(passes)
            }
            _ => false,
        };
        let message = format!("{operation}: {}", Causes(error));
        if passing {
            Self::Passing(message)
        } else {
            Self::Lasting(message)
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Passing(cause) => {
                // The refusal is for the caller and has no room for the cause.
                tracing::warn!(cause, "DynamoDB does not answer");
                Refusal::Unavailable(RETRY_AFTER).into()
            }
            Fault::Lasting(cause) => Self::internal(cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::{
        error::ErrorMetadata,
        operation::put_item::PutItemError,
        types::{AttributeValue, error::ConditionalCheckFailedException},
    };

    use super::*;

    fn fault(status: u16, code: &str) -> Fault {
        let metadata = ErrorMetadata::builder().code(code).message("why").build();
        of(status, PutItemError::generic(metadata))
    }

    fn of(status: u16, error: PutItemError) -> Fault {
        let response = http::Response::builder().status(status);
        let response = response.body("$argon2id$secret".into()).unwrap();
        let error = SdkError::service_error(error, response.try_into().unwrap());
        Fault::of("PutItem on users", &error)
    }

    #[test]
    fn overload_and_conflict_pass() {
        for (status, code) in [
            (400, "ThrottlingException"),
            (400, "ProvisionedThroughputExceededException"),
            (400, "TransactionInProgressException"),
            (500, "Unknown"),
            (503, "ServiceUnavailable"),
        ] {
            let fault = fault(status, code);
            assert!(matches!(fault, Fault::Passing(_)), "{code}");
            let error = Error::from(fault);
            assert!(matches!(error, Error::Refused(Refusal::Unavailable(_))));
        }
        let timeout: SdkError<PutItemError> = SdkError::timeout_error("late");
        assert!(matches!(Fault::of("PutItem", &timeout), Fault::Passing(_)));
    }

    #[test]
    fn what_is_wrong_with_us_lasts_and_says_what() {
        for code in [
            "AccessDeniedException",
            "ResourceNotFoundException",
            "ValidationException",
        ] {
            let error = Error::from(fault(400, code));
            assert!(error.is_internal());
            let told = error.to_string();
            assert!(told.starts_with("PutItem on users: "), "{told}");
            assert!(told.contains(code) && told.contains("why"), "{told}");
        }
    }

    #[test]
    fn no_item_gets_into_the_text() {
        let hash = AttributeValue::S("$argon2id$secret".to_owned());
        let failed = ConditionalCheckFailedException::builder()
            .item("passwordHash", hash)
            .build();
        let fault = of(400, PutItemError::ConditionalCheckFailedException(failed));
        assert!(!format!("{fault:?}").contains("secret"));
    }
}
