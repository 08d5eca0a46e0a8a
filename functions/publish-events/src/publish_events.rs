//! The use case: events written with what they tell of reach the bus.

use std::sync::Arc;

use shared::{
    application::ports::{EventBus, MAX_EVENTS},
    domain::{DomainEvent, Result},
};

/// How often events that the bus refused are offered again before the stream has to repeat them.
const ATTEMPTS: usize = 3;

/// Relays events.
pub struct PublishEvents {
    /// Where they go.
    pub bus: Arc<dyn EventBus>,
}

impl PublishEvents {
    /// Publishes `events`, which are in the order of their stream. Gives how many from the front are
    /// published: the rest must come again. Of the rest, some may be published too; observers know
    /// them by their ids.
    pub async fn execute(&self, events: &[DomainEvent]) -> Result<usize> {
        let mut published = 0;
        for chunk in events.chunks(MAX_EVENTS) {
            let accepted = self.offer(chunk).await?;
            published += accepted;
            if accepted < chunk.len() {
                break;
            }
        }
        Ok(published)
    }

    /// Offers up to ten events until the bus has taken all. Gives how many from the front it took.
    async fn offer(&self, chunk: &[DomainEvent]) -> Result<usize> {
        let mut taken = vec![false; chunk.len()];
        for _ in 0..ATTEMPTS {
            let waiting: Vec<usize> = (0..chunk.len()).filter(|&index| !taken[index]).collect();
            if waiting.is_empty() {
                break;
            }
            let events: Vec<DomainEvent> =
                waiting.iter().map(|&index| chunk[index].clone()).collect();
            for (index, accepted) in waiting.into_iter().zip(self.bus.publish(&events).await?) {
                taken[index] = accepted;
            }
        }
        Ok(taken.iter().take_while(|&&accepted| accepted).count())
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::{Actor, EventId, EventKind, Timestamp, event::EventData};
    use testing::{FakeBackend, Fault};

    use super::*;

    fn events(count: u8) -> Vec<DomainEvent> {
        (0..count)
            .map(|number| DomainEvent {
                id: EventId::new(Timestamp::from_seconds(1), [number; 10]),
                kind: EventKind::UserCreated,
                time: Timestamp::from_seconds(1),
                user_id: None,
                version: None,
                actor: Actor::System,
                traceparent: None,
                data: EventData::default(),
            })
            .collect()
    }

    fn service(backend: &Arc<FakeBackend>) -> PublishEvents {
        PublishEvents {
            bus: backend.clone(),
        }
    }

    #[tokio::test]
    async fn events_go_out_in_tens_and_in_order() {
        let backend = FakeBackend::new();
        let events = events(25);
        assert_eq!(service(&backend).execute(&events).await.unwrap(), 25);
        assert_eq!(backend.published(), events);
        assert_eq!(backend.trace().len(), 3);
    }

    #[tokio::test]
    async fn what_the_bus_refused_is_offered_again() {
        let backend = FakeBackend::new();
        backend.refuse_events(4);
        assert_eq!(service(&backend).execute(&events(12)).await.unwrap(), 12);
        assert_eq!(backend.published().len(), 12, "none twice");
    }

    #[tokio::test]
    async fn what_the_bus_keeps_refusing_is_reported() {
        let backend = FakeBackend::new();
        backend.refuse_events(usize::MAX);
        assert_eq!(service(&backend).execute(&events(12)).await.unwrap(), 0);
        assert_eq!(backend.trace().len(), ATTEMPTS, "the second ten waited");
    }

    /// The stream delivers the rest of a batch again until all of it is published.
    #[tokio::test]
    async fn no_fault_loses_an_event() {
        let tried = FakeBackend::try_every_fault(async |fault: Fault| {
            let backend = FakeBackend::new();
            let events = events(25);
            let (answer, fired) = backend
                .with_fault(fault, service(&backend).execute(&events))
                .await;
            let done = answer.and_then(Result::ok).unwrap_or(0);
            assert_eq!(
                service(&backend).execute(&events[done..]).await.unwrap(),
                events.len() - done
            );
            let published = backend.published();
            assert!(
                events.iter().all(|event| published.contains(event)),
                "{fault:?}"
            );
            fired
        })
        .await;
        assert_eq!(tried, 4 * 3, "three calls, each with four faults");
    }
}
