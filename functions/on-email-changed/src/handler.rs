//! The event to the use case.

use std::sync::Arc;

use shared::{domain::Result, events::Delivery};

use crate::on_email_changed::OnEmailChanged;

/// `UserEmailChanged`.
pub async fn handle(observer: Arc<OnEmailChanged>, delivery: Delivery) -> Result<()> {
    observer.execute(&delivery.event, delivery.remaining).await
}
