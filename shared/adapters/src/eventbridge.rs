//! The bus: `EventBridge`.

use application::ports::EventBus;
use async_trait::async_trait;
use aws_sdk_eventbridge::{
    Client,
    types::{PutEventsRequestEntry, PutEventsResultEntry},
};
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

/// Whether the bus took an event; if it did not, the log says why: nothing else will.
fn is_accepted(entry: &PutEventsResultEntry) -> bool {
    let accepted = entry.event_id().is_some();
    if !accepted {
        let (code, cause) = (entry.error_code(), entry.error_message());
        tracing::warn!(code, cause, "the bus refuses an event");
    }
    accepted
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
        let accepted: Vec<bool> = answer.entries().iter().map(is_accepted).collect();
        if accepted.len() == events.len() {
            Ok(accepted)
        } else {
            Err(Error::internal(
                "the bus answered for another number of events",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use super::*;

    /// What was logged.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_refused_event_has_its_reason_in_the_log() {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .finish();
        let accepted = tracing::subscriber::with_default(subscriber, || {
            let refused = PutEventsResultEntry::builder()
                .error_code("ResourceNotFoundException")
                .error_message("Event bus nope does not exist.");
            let taken = PutEventsResultEntry::builder().event_id("1");
            [refused.build(), taken.build()].map(|entry| is_accepted(&entry))
        });
        assert_eq!(accepted, [false, true]);
        let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert_eq!(log.lines().count(), 1);
        for part in ["ResourceNotFoundException", "nope"] {
            assert!(log.contains(part), "{log}");
        }
    }
}
