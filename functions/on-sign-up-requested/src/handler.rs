//! The event to the use case.

use std::sync::Arc;

use shared::{domain::Result, events::Delivery};

use crate::on_sign_up_requested::OnSignUpRequested;

/// `UserSignUpRequested`.
pub async fn handle(observer: Arc<OnSignUpRequested>, delivery: Delivery) -> Result<()> {
    observer.execute(&delivery.event, delivery.remaining).await
}
