//! Asynchronous invocations: attempts, the waits between them, and where failures end.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::watch;
use uuid::Uuid;

use super::process::Program;
use crate::{
    invoke::InvokeError,
    journal::Journal,
    template::{DestinationConfig, EventInvokeConfig},
};

/// Lambda tries a failed asynchronous invocation so often again unless configured otherwise.
const DEFAULT_RETRIES: u32 = 2;

/// The asynchronous invocations of a stack.
#[derive(Debug)]
pub(super) struct Asynchronous {
    journal: Journal,
    first_delay: Duration,
    /// How many are neither done nor given up.
    pending: watch::Sender<usize>,
}

/// An event on its way to a function.
pub(super) struct Event {
    function: String,
    function_arn: String,
    policy: EventInvokeConfig,
    /// The same for every attempt, as with Lambda.
    request_id: String,
    payload: Value,
}

impl Asynchronous {
    pub(super) fn new(journal: Journal, first_delay: Duration) -> Self {
        Self {
            journal,
            first_delay,
            pending: watch::Sender::default(),
        }
    }

    /// Takes `event` over: from here on it is either handled by `run`, which gets the request id
    /// and the payload, or ends in the failure queue.
    pub(super) fn send<R>(
        &self,
        event: Event,
        run: impl Fn(String, Value) -> R + Send + Sync + 'static,
    ) where
        R: Future<Output = Result<Value, InvokeError>> + Send,
    {
        let (journal, delay) = (self.journal.clone(), self.first_delay);
        let pending = self.pending.clone();
        pending.send_modify(|pending| *pending += 1);
        tokio::spawn(async move {
            event.handle(run, delay, &journal).await;
            pending.send_modify(|pending| *pending -= 1);
        });
    }

    /// Waits until none is pending.
    pub(super) async fn settled(&self) {
        let mut pending = self.pending.subscribe();
        // The sender lives in `self`, so the channel cannot be closed here.
        let _none = pending.wait_for(|pending| *pending == 0).await;
    }
}

impl Event {
    pub(super) fn new(program: &Program, payload: Value) -> Self {
        Self {
            function: program.id.clone(),
            function_arn: program.arn(),
            policy: program.function.event_invoke_config.clone(),
            request_id: Uuid::new_v4().to_string(),
            payload,
        }
    }

    async fn handle<R>(
        &self,
        run: impl Fn(String, Value) -> R,
        mut delay: Duration,
        journal: &Journal,
    ) where
        R: Future<Output = Result<Value, InvokeError>>,
    {
        let retries = self
            .policy
            .maximum_retry_attempts
            .unwrap_or(DEFAULT_RETRIES);
        let mut attempts = 0;
        loop {
            attempts += 1;
            match run(self.request_id.clone(), self.payload.clone()).await {
                Ok(_) | Err(InvokeError::Stopping) => return,
                Err(error) if attempts > retries => {
                    return self.give_up(&error, attempts, journal);
                }
                Err(_) => tokio::time::sleep(delay).await,
            }
            delay *= 2;
        }
    }

    fn give_up(&self, error: &InvokeError, attempts: u32, journal: &Journal) {
        let Some(DestinationConfig { on_failure }) = &self.policy.destination_config else {
            tracing::warn!(
                function = self.function,
                request_id = self.request_id,
                %error,
                "an asynchronous invocation failed to the end and has no failure destination",
            );
            return;
        };
        journal.dead_letter(&on_failure.destination, self.record(error, attempts));
    }

    /// The [record of an asynchronous invocation] that Lambda sends to a failure destination.
    ///
    /// [record of an asynchronous invocation]: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    fn record(&self, error: &InvokeError, attempts: u32) -> Value {
        json!({
            "version": "1.0",
            "timestamp": format!("{:.3}", Timestamp::now()),
            "requestContext": {
                "requestId": self.request_id,
                "functionArn": format!("{}:$LATEST", self.function_arn),
                "condition": "RetriesExhausted",
                "approximateInvokeCount": attempts,
            },
            "requestPayload": self.payload,
            "responseContext": {
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": "Unhandled",
            },
            "responsePayload": error.document(&self.request_id),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::time::Instant;

    use super::*;
    use crate::journal::Happening;

    /// Sends one event to a function that fails so often; gives the runs, each with its time and
    /// request id, and the dead letters.
    async fn send(failures: usize, retries: u32) -> (Vec<(Duration, String)>, Vec<Value>) {
        let journal = Journal::default();
        let first_delay = Duration::from_mins(1);
        let asynchronous = Asynchronous::new(journal.clone(), first_delay);
        let runs = Arc::new(Mutex::new(Vec::new()));
        let event = Event {
            function: "F".to_owned(),
            function_arn: "arn:F".to_owned(),
            policy: serde_json::from_value(json!({
                "MaximumRetryAttempts": retries,
                "DestinationConfig": { "OnFailure": { "Destination": "Failures" } },
            }))
            .unwrap(),
            request_id: "request-1".to_owned(),
            payload: json!({ "id": 1 }),
        };
        let (noted, start) = (Arc::clone(&runs), Instant::now());
        asynchronous.send(event, move |request_id, payload| {
            let mut runs = noted.lock().unwrap();
            runs.push((start.elapsed(), request_id));
            std::future::ready(if runs.len() > failures {
                Ok(payload)
            } else {
                Err(InvokeError::Exited("signal: 9 (SIGKILL)".to_owned()))
            })
        });
        assert_eq!(*asynchronous.pending.borrow(), 1);
        asynchronous.settled().await;
        let letters = journal
            .since(0)
            .iter()
            .filter_map(|entry| match &entry.happening {
                Happening::DeadLetter { queue, message } if queue == "Failures" => {
                    Some(message.clone())
                }
                _ => None,
            })
            .collect();
        let runs = runs.lock().unwrap().clone();
        (runs, letters)
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_that_is_handled_is_not_sent_again() {
        let (runs, letters) = send(0, 2).await;
        assert_eq!((runs.len(), letters.len()), (1, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn retries_wait_longer_each_time_and_keep_the_request_id() {
        let (runs, letters) = send(2, 2).await;
        let waits: Vec<_> = runs.iter().map(|(at, _)| at.as_secs()).collect();
        assert_eq!(waits, [0, 60, 180]);
        assert!(runs.iter().all(|(_, id)| *id == runs[0].1));
        assert!(letters.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_fails_to_the_end_goes_to_the_queue_in_lambdas_shape() {
        let (runs, letters) = send(9, 1).await;
        assert_eq!(runs.len(), 2);
        let [letter] = letters.as_slice() else {
            panic!("{letters:?}");
        };
        let id = &runs[0].1;
        assert!(
            letter["timestamp"]
                .as_str()
                .is_some_and(|t| t.ends_with('Z'))
        );
        assert_eq!(letter["version"], "1.0");
        assert_eq!(
            letter["requestContext"],
            json!({
                "requestId": id,
                "functionArn": "arn:F:$LATEST",
                "condition": "RetriesExhausted",
                "approximateInvokeCount": 2,
            })
        );
        assert_eq!(letter["requestPayload"], json!({ "id": 1 }));
        assert_eq!(
            letter["responsePayload"],
            json!({
                "errorType": "Runtime.ExitError",
                "errorMessage": format!("RequestId: {id} Error: Runtime exited with error: signal: 9 (SIGKILL)"),
            })
        );
    }

    #[tokio::test(start_paused = true)]
    async fn without_retries_one_failure_is_final() {
        let (runs, letters) = send(9, 0).await;
        assert_eq!((runs.len(), letters.len()), (1, 1));
    }
}
