//! The query: the keys that verify access tokens.

use std::sync::Arc;

use shared::{
    application::ports::SigningKeys,
    domain::{Result, keys::KeyRing},
};

pub struct PublishKeys {
    pub keys: Arc<dyn SigningKeys>,
    /// Whether access tokens say `email_verified`.
    pub email_verified: bool,
}

impl PublishKeys {
    /// Every published key: those that sign, those that will, and those whose tokens still live.
    /// Never makes one: before the first sign-in there is none.
    pub async fn execute(&self) -> Result<KeyRing> {
        Ok(self.keys.ring().await?.unwrap_or_default())
    }
}
