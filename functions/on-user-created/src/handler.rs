//! The event to the use case.

use std::sync::Arc;

use shared::{domain::Result, events::Delivery};

use crate::on_user_created::OnUserCreated;

/// `UserCreated`.
pub async fn handle(observer: Arc<OnUserCreated>, delivery: Delivery) -> Result<()> {
    observer.execute(&delivery.event, delivery.remaining).await
}
