//! Observers: functions that EventBridge invokes with one event each.

use std::time::Duration;

use adapters::composition::Ports;
use domain::{DomainEvent, Error, EventKind, Result, error::Causes};
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::Value;

use crate::{
    config::Settings,
    http::remaining,
    invocation::{self, Invocation},
    startup::{self, Exit},
};

/// Observes events of these `kinds` until the environment ends. A failure is returned to Lambda, which
/// repeats the event and at last puts it into the observer's queue. An event of another kind is a failure
/// too: the rule that sent it is wrong.
///
/// `handle` gets the event and how long this worker may still run.
///
/// # Errors
/// If the configuration is wrong, the use case cannot be made, or the Lambda runtime cannot be reached.
pub async fn run<C, S, H, W>(kinds: &[EventKind], handle: H, wire: W) -> Exit
where
    C: Settings,
    H: AsyncFn(&S, &DomainEvent, Duration) -> Result<()>,
    W: AsyncFnOnce(&Ports, C) -> Result<S>,
{
    let observe = async |service: &S, detail: Value, remaining| {
        let event = read(detail, kinds)?;
        handle(service, &event, remaining).await
    };
    let (ports, _, config) = startup::start::<H, C>();
    serve(startup::or_exit(wire(&ports, config).await), observe).await
}

/// Observes events which are not ours, such as those of the mail service or of a schedule: `handle`
/// gets their `detail`.
///
/// # Errors
/// As [`run`].
pub async fn run_raw<C, S, H, W>(handle: H, wire: W) -> Exit
where
    C: Settings,
    H: AsyncFn(&S, Value) -> Result<()>,
    W: AsyncFnOnce(&Ports, C) -> Result<S>,
{
    let (ports, _, config) = startup::start::<H, C>();
    let service = startup::or_exit(wire(&ports, config).await);
    serve(service, async |service, detail, _| {
        handle(service, detail).await
    })
    .await
}

/// The event in a CloudEvents object, if it is of one of these kinds.
fn read(detail: Value, kinds: &[EventKind]) -> Result<DomainEvent> {
    let event = DomainEvent::from_cloud_event(detail).map_err(Error::caused_by)?;
    if kinds.contains(&event.kind) {
        Ok(event)
    } else {
        let message = format!("no rule should send {} here", event.kind);
        Err(Error::internal(message))
    }
}

async fn serve<S, H>(service: S, handle: H) -> Exit
where
    H: AsyncFn(&S, Value, Duration) -> Result<()>,
{
    let service = &service;
    let handle = &handle;
    invocation::init_ends();
    lambda_runtime::run(service_fn(async move |event: LambdaEvent<Value>| {
        let invocation = Invocation::begin();
        let remaining = remaining(event.context.deadline);
        let request_id = event.context.request_id;
        let text = |name: &str| event.payload[name].as_str().map(str::to_owned);
        let (envelope, kind) = (text("id"), text("detail-type"));
        let detail = match event.payload {
            Value::Object(mut envelope) => envelope.remove("detail").unwrap_or_default(),
            _ => Value::Null,
        };
        let traceparent = detail["traceparent"].as_str().map(str::to_owned);
        let outcome = handle(service, detail, remaining).await;
        match &outcome {
            Ok(()) => {
                invocation::line!(info, invocation, request_id, envelope, kind, traceparent, "observed");
            }
            Err(error) => {
                let error = Causes(error);
                invocation::line!(error, invocation, request_id, envelope, kind, traceparent, %error, "not observed");
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

#[cfg(test)]
mod tests {
    use domain::{Actor, EventId, Timestamp, event::EventData};

    use super::*;

    fn detail(kind: EventKind) -> Value {
        let event = DomainEvent {
            id: EventId::new(Timestamp::from_seconds(1), [1; 10]),
            kind,
            time: Timestamp::from_seconds(2),
            user_id: None,
            version: None,
            actor: Actor::Anonymous,
            traceparent: None,
            data: EventData::default(),
        };
        event.to_cloud_event()
    }

    #[test]
    fn an_event_of_an_expected_kind_is_read() {
        let kinds = [EventKind::UserCreated, EventKind::UserUpdated];
        for kind in kinds {
            assert_eq!(read(detail(kind), &kinds).unwrap().kind, kind);
        }
    }

    /// An error brings it to the dead-letter queue; `Ok` would lose it without a trace.
    #[test]
    fn an_event_of_another_kind_is_an_error() {
        let error = read(detail(EventKind::UserDeleted), &[EventKind::UserCreated]);
        assert!(error.unwrap_err().is_internal());
        let nothing = read(Value::Null, &[EventKind::UserCreated]);
        assert!(nothing.unwrap_err().is_internal());
    }
}
