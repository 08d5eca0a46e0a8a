//! The event to the use case.

use std::sync::Arc;

use shared::{domain::Result, events::Delivery};

use crate::record_audit::RecordAudit;

/// Every event of the bus.
pub async fn handle(observer: Arc<RecordAudit>, delivery: Delivery) -> Result<()> {
    observer.execute(&delivery.event).await
}
