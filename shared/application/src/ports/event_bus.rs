//! The bus that carries domain events to observers.

use async_trait::async_trait;
use domain::{DomainEvent, Result};

/// Events in one call of [`EventBus::publish`]: the limit of `PutEvents`.
pub const MAX_EVENTS: usize = 10;

/// Publishes domain events.
#[async_trait]
pub trait EventBus: Send + Sync {
    /// Publishes up to [`MAX_EVENTS`] events. Returns, for each, true if the bus accepted it.
    async fn publish(&self, events: &[DomainEvent]) -> Result<Vec<bool>>;
}
