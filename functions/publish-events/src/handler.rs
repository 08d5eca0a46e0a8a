//! The stream to the use case.

use std::sync::Arc;

use shared::domain::{DomainEvent, Result};

use crate::publish_events::PublishEvents;

/// The events of one batch of stream records.
pub async fn handle(publish: Arc<PublishEvents>, events: Vec<DomainEvent>) -> Result<usize> {
    publish.execute(&events).await
}
