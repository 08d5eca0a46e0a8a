//! Asynchronous invocations: attempts, the waits between them, and where failures end.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::watch;
use uuid::Uuid;

use crate::{invoke::InvokeError, queue::Queues, template::AsyncPolicy};

/// Runs a function once.
#[async_trait]
pub(super) trait Runs: Send + Sync {
    async fn run(
        &self,
        function: &str,
        request_id: &str,
        payload: Value,
    ) -> Result<Value, InvokeError>;
}

/// A function as its asynchronous invocations see it.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) function: String,
    pub(super) arn: String,
    pub(super) policy: AsyncPolicy,
}

/// The asynchronous invocations of a stack.
#[derive(Debug)]
pub(super) struct Asynchronous {
    queues: Queues,
    first_delay: Duration,
    pending: watch::Sender<usize>,
}

impl Asynchronous {
    pub(super) fn new(queues: Queues, first_delay: Duration) -> Self {
        Self {
            queues,
            first_delay,
            pending: watch::Sender::new(0),
        }
    }

    pub(super) fn pending(&self) -> usize {
        *self.pending.borrow()
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<usize> {
        self.pending.subscribe()
    }

    /// Takes an event over: from here on it is either handled or ends in the failure queue.
    pub(super) fn send(&self, functions: Arc<dyn Runs>, target: Target, payload: Value) {
        let invocation = Invocation {
            functions,
            target,
            request_id: Uuid::new_v4().to_string(),
            payload,
            queues: self.queues.clone(),
            first_delay: self.first_delay,
        };
        let pending = Pending::new(&self.pending);
        tokio::spawn(async move {
            invocation.deliver().await;
            drop(pending);
        });
    }
}

/// One event on its way to a function.
struct Invocation {
    functions: Arc<dyn Runs>,
    target: Target,
    /// The same for every attempt, as with Lambda.
    request_id: String,
    payload: Value,
    queues: Queues,
    first_delay: Duration,
}

impl Invocation {
    async fn deliver(self) {
        let mut delay = self.first_delay;
        let mut attempts = 0;
        let error = loop {
            attempts += 1;
            let run = self.functions.run(
                &self.target.function,
                &self.request_id,
                self.payload.clone(),
            );
            match run.await {
                Ok(_ignored_answer) => return,
                Err(InvokeError::Stopping) => return,
                Err(error) if attempts > self.target.policy.retries => break error,
                Err(_) => {}
            }
            tokio::time::sleep(delay).await;
            delay *= 2;
        };
        let Some(queue) = &self.target.policy.on_failure else {
            tracing::warn!(
                function = self.target.function,
                request_id = self.request_id,
                %error,
                "an asynchronous invocation failed to the end and has no failure destination",
            );
            return;
        };
        self.queues.send(queue, self.record(&error, attempts));
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
                "functionArn": format!("{}:$LATEST", self.target.arn),
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

/// Counts an event as pending for as long as it lives.
struct Pending(watch::Sender<usize>);

impl Pending {
    fn new(count: &watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count.clone())
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::time::Instant;

    use super::*;
    use crate::journal::{Happening, Journal};

    /// Fails as often as told, and notes when it was asked and under which id.
    struct Fake {
        failures: usize,
        runs: Mutex<Vec<(Duration, String)>>,
        start: Instant,
    }

    #[async_trait]
    impl Runs for Fake {
        async fn run(
            &self,
            _: &str,
            request_id: &str,
            payload: Value,
        ) -> Result<Value, InvokeError> {
            let mut runs = self.runs.lock().unwrap();
            runs.push((self.start.elapsed(), request_id.to_owned()));
            if runs.len() > self.failures {
                return Ok(payload);
            }
            Err(InvokeError::Exited("signal: 9 (SIGKILL)".to_owned()))
        }
    }

    /// Sends one event to a function that fails so often; gives the runs and the dead letters.
    async fn send(failures: usize, retries: u32) -> (Vec<(Duration, String)>, Vec<Value>) {
        let journal = Journal::default();
        let first_delay = Duration::from_mins(1);
        let asynchronous = Asynchronous::new(Queues::new(journal.clone()), first_delay);
        let fake = Arc::new(Fake {
            failures,
            runs: Mutex::default(),
            start: Instant::now(),
        });
        let target = Target {
            function: "F".to_owned(),
            arn: "arn:F".to_owned(),
            policy: AsyncPolicy {
                retries,
                on_failure: Some("Failures".to_owned()),
            },
        };
        let runs: Arc<dyn Runs> = fake.clone();
        asynchronous.send(runs, target, json!({ "id": 1 }));
        assert_eq!(asynchronous.pending(), 1);
        asynchronous
            .subscribe()
            .wait_for(|n| *n == 0)
            .await
            .unwrap();
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
        let runs = fake.runs.lock().unwrap().clone();
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
