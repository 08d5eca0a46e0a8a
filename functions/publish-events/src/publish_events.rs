//! The use case: events written with what they tell of reach the bus.

use std::sync::Arc;

use shared::{
    domain::{DomainEvent, Result},
    ports::{EventBus, MAX_EVENTS},
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
            let events: Vec<DomainEvent> = waiting.iter().map(|&index| chunk[index].clone()).collect();
            for (index, accepted) in waiting.into_iter().zip(self.bus.publish(&events).await?) {
                taken[index] = accepted;
            }
        }
        Ok(taken.iter().take_while(|&&accepted| accepted).count())
    }
}
