//! The event to the use case.

use std::sync::Arc;

use serde_json::Value;
use shared::{adapters::ses::CLAIM_TAG, domain::Result};

use crate::record_mail::RecordMail;

/// `Email Sent` of the mail service: a mail's tags have lists of values.
pub async fn handle(observer: Arc<RecordMail>, detail: Value) -> Result<()> {
    match detail["mail"]["tags"][CLAIM_TAG][0].as_str() {
        Some(key) => observer.execute(key).await,
        None => Ok(()),
    }
}
