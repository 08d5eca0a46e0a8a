//! What the endpoint answers when it does not do what was asked.

/// An error as SQS names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Name of the exception in the JSON protocol.
    pub(super) kind: &'static str,
    /// Its code in the older query protocol, which `x-amzn-query-error` repeats.
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Refusal {
    fn new(kind: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            code,
            message: message.into(),
        }
    }

    pub(super) fn no_queue() -> Self {
        let code = "AWS.SimpleQueueService.NonExistentQueue";
        Self::new(
            "QueueDoesNotExist",
            code,
            "The specified queue does not exist.",
        )
    }

    pub(super) fn parameter(message: &str) -> Self {
        Self::new(
            "InvalidParameterValueException",
            "InvalidParameterValue",
            message,
        )
    }

    pub(super) fn receipt(receipt: &str) -> Self {
        let message = format!("The input receipt handle \"{receipt}\" is not valid.");
        Self::new("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", message)
    }

    pub(super) fn not_in_flight() -> Self {
        let code = "AWS.SimpleQueueService.MessageNotInflight";
        Self::new("MessageNotInflight", code, "The message is not in flight.")
    }

    pub(super) fn batch(kind: &'static str, code: &'static str, message: &str) -> Self {
        Self::new(kind, code, message)
    }

    pub(super) fn operation(target: &str) -> Self {
        let message = format!("{target} is not there locally");
        Self::new("InvalidAction", "InvalidAction", message)
    }

    pub(super) fn malformed(error: &serde_json::Error) -> Self {
        Self::new(
            "SerializationException",
            "MalformedInput",
            error.to_string(),
        )
    }
}
