//! The event to the use case.

use std::sync::Arc;

use shared::{domain::Result, events::Delivery};

use crate::on_password_reset_requested::OnPasswordResetRequested;

/// `UserPasswordResetRequested`.
pub async fn handle(observer: Arc<OnPasswordResetRequested>, delivery: Delivery) -> Result<()> {
    observer.execute(&delivery.event, delivery.remaining).await
}
