//! The bus: `EventBridge`.

use application::ports::EventBus;
use async_trait::async_trait;
use aws_sdk_eventbridge::{
    Client,
    types::{PutEventsRequestEntry, PutEventsResultEntry},
};
use domain::{DomainEvent, Error, Result, event::SOURCE};

use crate::xray;

/// A bus of `EventBridge`.
#[derive(Debug, Clone)]
pub struct EventBridge {
    client: Client,
    bus: String,
}

impl EventBridge {
    /// The bus named `bus`.
    pub fn new(client: Client, bus: impl Into<String>) -> Self {
        Self {
            client,
            bus: bus.into(),
        }
    }

    fn entry(&self, event: &DomainEvent) -> PutEventsRequestEntry {
        PutEventsRequestEntry::builder()
            .event_bus_name(&self.bus)
            .source(SOURCE)
            .detail_type(event.kind.as_str())
            .detail(event.to_cloud_event().to_string())
            // X-Ray shows the observers in the trace of the request.
            .set_trace_header(event.traceparent.as_deref().and_then(xray::from_traceparent))
            .build()
    }
}

#[async_trait]
impl EventBus for EventBridge {
    async fn publish(&self, events: &[DomainEvent]) -> Result<Vec<bool>> {
        let entries = events.iter().map(|event| self.entry(event)).collect();
        let answer = self
            .client
            .put_events()
            .set_entries(Some(entries))
            .send()
            .await
            .map_err(Error::caused_by)?;
        accepted(events, answer.entries())
    }
}

/// Which events the bus accepted. There is one result for each, in the same order; a refused one has a code
/// instead of an id, which is logged.
///
/// # Errors
/// If there is another number of results.
fn accepted(events: &[DomainEvent], results: &[PutEventsResultEntry]) -> Result<Vec<bool>> {
    if results.len() != events.len() {
        return Err(Error::internal(
            "the bus answered for another number of events",
        ));
    }
    let each = events.iter().zip(results).map(|(event, result)| {
        let is_accepted = result.event_id().is_some();
        if !is_accepted {
            tracing::warn!(
                event_id = %event.id,
                code = result.error_code().unwrap_or_default(),
                reason = result.error_message().unwrap_or_default(),
                "the bus refused an event"
            );
        }
        is_accepted
    });
    Ok(each.collect())
}

#[cfg(test)]
mod tests {
    use domain::{Actor, EventId, EventKind, Timestamp, event::EventData};

    use super::*;
    use crate::log::Log;

    fn event(number: u8) -> DomainEvent {
        DomainEvent {
            id: EventId::new(Timestamp::from_seconds(1), [number; 10]),
            kind: EventKind::UserCreated,
            time: Timestamp::from_seconds(1),
            user_id: None,
            version: None,
            actor: Actor::System,
            traceparent: None,
            data: EventData::default(),
        }
    }

    #[test]
    fn x_ray_is_told_in_which_trace_the_observers_are() {
        let traced = |traceparent: Option<&str>| {
            let config = aws_sdk_eventbridge::Config::builder()
                .behavior_version_latest()
                .build();
            let bus = EventBridge::new(Client::from_conf(config), "bus");
            let traceparent = traceparent.map(str::to_owned);
            bus.entry(&DomainEvent {
                traceparent,
                ..event(1)
            })
        };
        let entry = traced(Some(
            "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01",
        ));
        let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
        assert_eq!(entry.trace_header(), Some(header));
        assert_eq!(traced(None).trace_header(), None);
    }

    #[test]
    fn the_reason_for_which_the_bus_refused_an_event_is_logged() {
        let taken = PutEventsResultEntry::builder().event_id("1").build();
        let refused = PutEventsResultEntry::builder()
            .error_code("ThrottlingException")
            .error_message("Rate exceeded")
            .build();
        let events = [event(1), event(2)];
        let log = Log::start();
        let outcome = accepted(&events, &[taken.clone(), refused]);
        assert_eq!(outcome.unwrap(), [true, false]);
        let lines = log.lines();
        assert_eq!(lines.lines().count(), 1, "{lines}");
        for part in [
            "ThrottlingException",
            "Rate exceeded",
            &events[1].id.to_string(),
        ] {
            assert!(lines.contains(part), "{part}: {lines}");
        }
        assert!(
            accepted(&events, &[taken]).is_err(),
            "one result for two events"
        );
    }
}
