//! The seam between the event sources (HTTP API, streams, bus, schedules) and the
//! environments that run the functions.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::Value;

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
    /// The template has no function of that name.
    #[error("the template has no function {0}")]
    Unknown(String),
    /// The stack is going down.
    #[error("the local stack is stopping")]
    Stopping,
}
