//! Observers: functions that `EventBridge` invokes with one event each.

use std::{future::Future, sync::Arc, time::Duration};

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::Value;

use crate::{
    adapters::system::System,
    domain::{DomainEvent, Error, Result},
    http::Chain,
    ports::Clock as _,
};

/// An event on its way to one observer.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The event.
    pub event: DomainEvent,
    /// Until when this worker may run at most: whoever comes later may take its claims over.
    pub remaining: Duration,
}

/// Observes events until the environment ends. A failure is returned to Lambda, which repeats the
/// event and at last puts it into the observer's queue.
///
/// # Errors
/// If the Lambda runtime cannot be reached.
pub async fn observe<S, H, F>(service: S, handle: H) -> Result<(), lambda_runtime::Error>
where
    H: Fn(Arc<S>, Delivery) -> F,
    F: Future<Output = Result<()>>,
{
    observe_raw(service, async |service, detail: Value, remaining| {
        let event = DomainEvent::from_cloud_event(detail).map_err(Error::caused_by)?;
        tracing::debug!(event_id = %event.id, kind = %event.kind, "observing");
        handle(service, Delivery { event, remaining }).await
    })
    .await
}

/// Observes events which are not ours, such as those of the mail service: gives their `detail`.
///
/// # Errors
/// If the Lambda runtime cannot be reached.
pub async fn observe_raw<S, H>(service: S, handle: H) -> Result<(), lambda_runtime::Error>
where
    H: AsyncFn(Arc<S>, Value, Duration) -> Result<()>,
{
    let service = Arc::new(service);
    let service = &service;
    let handle = &handle;
    lambda_runtime::run(service_fn(async move |invocation: LambdaEvent<Value>| {
        let remaining = remaining(invocation.context.deadline);
        let id = invocation.payload["id"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let kind = invocation.payload["detail-type"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let detail = match invocation.payload {
            Value::Object(mut envelope) => envelope.remove("detail").unwrap_or_default(),
            _ => Value::Null,
        };
        let outcome = handle(service.clone(), detail, remaining).await;
        match &outcome {
            Ok(()) => tracing::info!(envelope = id, kind, "observed"),
            Err(error) => {
                tracing::error!(envelope = id, kind, error = %Chain(error), "not observed");
            }
        }
        // The cause stays in the log: what is returned here travels on into queues.
        outcome.map_err(|_| Diagnostic {
            error_type: "NotObserved".to_owned(),
            error_message: "the event was not observed; the log says why".to_owned(),
        })
    }))
    .await
}

/// Time until the deadline, in milliseconds since 1970, at which Lambda ends the worker.
pub(crate) fn remaining(deadline: u64) -> Duration {
    Duration::from_millis(deadline.saturating_sub(System.now().as_millis()))
}
