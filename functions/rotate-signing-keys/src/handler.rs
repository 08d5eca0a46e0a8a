//! The event to the use case.

use serde_json::Value;
use shared::domain::Result;

use crate::rotate_signing_keys::{Command, RotateSigningKeys};

/// The schedule's event; or `{"detail": {"compromised": true}}` from an operator.
pub async fn handle(rotate: &RotateSigningKeys, detail: Value) -> Result<()> {
    let command = if detail["compromised"] == true {
        Command::RevokeAll
    } else {
        Command::Rotate
    };
    rotate.execute(command).await
}
