//! The seam between the event sources (HTTP API, streams, bus, schedules) and the
//! environments that run the functions.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::{Value, json};

/// Longest event or answer of a function, in bytes (Lambda quotas: 6 MB and some for the envelope).
pub(crate) const LONGEST_PAYLOAD: usize = 6_291_556;

/// Something that can run a function of the template, named by its logical id.
pub type SharedInvoker = Arc<dyn Invoker>;

/// Runs functions, as the Lambda service does for event sources.
#[async_trait]
pub trait Invoker: Send + Sync {
    /// Runs `function` and waits for its answer (invocation type `RequestResponse`).
    ///
    /// # Errors
    /// Says why there is no answer. Nothing is retried: that is the caller's part.
    async fn call(&self, function: &str, payload: Value) -> Result<Value, InvokeError>;

    /// Queues `payload` for `function` (invocation type `Event`) and returns at once.
    /// A failure is retried by Lambda's policy for asynchronous invocations, then goes to
    /// the function's failure destination.
    fn send(&self, function: &str, payload: Value);
}

/// Why an invocation has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum InvokeError {
    /// The function answered with an error of its own (`Unhandled`): the runtime's error document.
    #[error("the function failed: {0}")]
    Function(Value),
    /// The process ended before it answered.
    #[error("the function's process ended: {0}")]
    Exited(String),
    /// The function's time-out ran out.
    #[error("the function did not answer within {0:?}")]
    TimedOut(Duration),
    /// Too many events wait for the function already.
    #[error("too many events wait for the function")]
    Throttled,
    /// The template has no function of that name.
    #[error("the template has no function {0}")]
    Unknown(String),
    /// The stack is going down.
    #[error("the local stack is stopping")]
    Stopping,
}

impl InvokeError {
    /// The error document which the caller of the function gets for the request `request_id`.
    pub(crate) fn document(&self, request_id: &str) -> Value {
        let (kind, message) = match self {
            Self::Function(document) => return document.clone(),
            Self::Exited(status) => (
                "Runtime.ExitError",
                format!("Runtime exited with error: {status}"),
            ),
            Self::TimedOut(after) => (
                "Sandbox.Timedout",
                format!("Task timed out after {:.2} seconds", after.as_secs_f64()),
            ),
            Self::Throttled | Self::Unknown(_) | Self::Stopping => {
                ("ServiceException", self.to_string())
            }
        };
        json!({
            "errorType": kind,
            "errorMessage": format!("RequestId: {request_id} Error: {message}"),
        })
    }
}
