//! The event to the use case.

use std::sync::Arc;

use shared::{domain::Result, events::Delivery};

use crate::on_email_change_requested::OnEmailChangeRequested;

/// `UserEmailChangeRequested`.
pub async fn handle(observer: Arc<OnEmailChangeRequested>, delivery: Delivery) -> Result<()> {
    observer.execute(&delivery.event, delivery.remaining).await
}
