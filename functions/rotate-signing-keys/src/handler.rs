//! The event to the use case.

use serde_json::Value;
use shared::domain::{Error, Result};

use crate::rotate_signing_keys::{Command, RotateSigningKeys};

/// The schedule's event; or from an operator `{"detail": {"compromised": true}}` if a private key may have
/// leaked, and `{"detail": {"compromised": "all"}}` if anything may have.
pub async fn handle(rotate: &RotateSigningKeys, detail: Value) -> Result<()> {
    let command = match &detail["compromised"] {
        Value::Null => Command::Rotate,
        Value::Bool(true) => Command::ReplaceKeys,
        Value::String(what) if what == "all" => Command::RevokeEverything,
        // A slip of the pen after a leak must not pass for a rotation.
        _ => return Err(Error::internal("`compromised` is neither true nor \"all\"")),
    };
    rotate.execute(command).await
}
