//! The event to the use case.

use std::sync::Arc;

use shared::{domain::Result, events::Delivery};

use crate::on_email_verification_requested::OnEmailVerificationRequested;

/// `UserEmailVerificationRequested`.
pub async fn handle(observer: Arc<OnEmailVerificationRequested>, delivery: Delivery) -> Result<()> {
    observer.execute(&delivery.event, delivery.remaining).await
}
