//! The use case: events written with what they tell of reach the bus.

use std::{sync::Arc, time::Duration};

use shared::{
    application::{
        backoff::Backoff,
        ports::{Env, EventBus, MAX_EVENTS},
    },
    domain::{DomainEvent, Result},
};

/// How often events are offered to the bus before the stream has to repeat them.
const ATTEMPTS: u32 = 3;

/// The longest pause after the bus refused an event, which it does mostly to throttle. The second one
/// is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Relays events.
pub struct PublishEvents {
    /// Publishes the events.
    pub bus: Arc<dyn EventBus>,
    /// Time and randomness of the pauses.
    pub env: Env,
}

impl PublishEvents {
    /// Publishes `events`, which are in the order of their stream. Returns how many from the front are
    /// published: the rest must come again. Of the rest, some may be published too; observers are
    /// idempotent by their ids.
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

    /// Offers up to ten events until the bus has accepted all. Returns how many from the front it
    /// accepted.
    async fn offer(&self, chunk: &[DomainEvent]) -> Result<usize> {
        let mut taken = vec![false; chunk.len()];
        let mut backoff = Backoff::new(&self.env, ATTEMPTS, FIRST_PAUSE);
        loop {
            let waiting: Vec<usize> = (0..chunk.len()).filter(|&index| !taken[index]).collect();
            let events: Vec<DomainEvent> =
                waiting.iter().map(|&index| chunk[index].clone()).collect();
            for (index, accepted) in waiting.into_iter().zip(self.bus.publish(&events).await?) {
                taken[index] = accepted;
            }
            if taken.iter().all(|&accepted| accepted) || !backoff.pause().await? {
                break;
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
            env: backend.env(),
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
    async fn between_two_offers_is_a_pause() {
        let backend = FakeBackend::new();
        let clock = backend.env().clock;
        let start = clock.now();
        service(&backend).execute(&events(12)).await.unwrap();
        assert_eq!(clock.now(), start, "nothing was refused");
        backend.refuse_events(usize::MAX);
        service(&backend).execute(&events(1)).await.unwrap();
        let paused = start.until(clock.now());
        let longest = FIRST_PAUSE + 2 * FIRST_PAUSE;
        assert!(paused > Duration::ZERO && paused < longest, "{paused:?}");
    }

    #[tokio::test]
    async fn what_the_bus_keeps_refusing_is_reported() {
        let backend = FakeBackend::new();
        backend.refuse_events(usize::MAX);
        assert_eq!(service(&backend).execute(&events(12)).await.unwrap(), 0);
        let offers = backend.trace().len();
        assert_eq!(offers, ATTEMPTS as usize, "the second ten waited");
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
