//! The bus: `EventBridge`.

use application::ports::EventBus;
use async_trait::async_trait;
use aws_sdk_eventbridge::{Client, types::PutEventsRequestEntry};
use domain::{DomainEvent, Error, Result, event::SOURCE};

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
        // One result for each entry, in the same order; a refused one has a code instead of an id.
        let accepted: Vec<bool> = answer
            .entries()
            .iter()
            .map(|entry| entry.event_id().is_some())
            .collect();
        if accepted.len() == events.len() {
            Ok(accepted)
        } else {
            Err(Error::internal(
                "the bus answered for another number of events",
            ))
        }
    }
}
