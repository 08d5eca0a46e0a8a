//! The event to the use case.

use std::sync::Arc;

use shared::{domain::Result, events::Delivery};

use crate::on_user_deleted::OnUserDeleted;

/// `UserDeleted`.
pub async fn handle(observer: Arc<OnUserDeleted>, delivery: Delivery) -> Result<()> {
    observer.execute(&delivery.event).await
}
