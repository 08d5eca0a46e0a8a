//! The use case: a mail that the mail service reports as sent is settled in the ledger.

use std::sync::Arc;

use serde_json::json;
use shared::{
    application::ports::{LeaseKey, Leases, Purpose},
    domain::Result,
};

/// Keeps the mail ledger true.
pub struct RecordMail {
    /// The ledger.
    pub leases: Arc<dyn Leases>,
}

impl RecordMail {
    /// Notes that the mail of the lease `key` was sent. A lease unknown or settled stays as it is.
    pub async fn execute(&self, key: &str) -> Result<()> {
        let key = LeaseKey::new(Purpose::Mail, key);
        // False in the common case: the worker noted it first.
        self.leases
            .witness(&key, &json!({"outcome": "sent"}))
            .await
            .map(|_| ())
    }
}
