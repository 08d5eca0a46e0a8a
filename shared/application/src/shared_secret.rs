//! Secrets which processes share, fetched once in each.

use std::sync::Arc;

use domain::Result;
use secrecy::SecretSlice;
use tokio::sync::OnceCell;

use crate::ports::{SecretPurpose, Secrets, SecureRandom};

/// A shared secret of 256 random bits.
pub struct SharedSecret {
    purpose: SecretPurpose,
    secrets: Arc<dyn Secrets>,
    random: Arc<dyn SecureRandom>,
    cell: OnceCell<SecretSlice<u8>>,
}

impl SharedSecret {
    /// The secret for `purpose`, made by the process that needs it first.
    pub fn new(
        purpose: SecretPurpose,
        secrets: Arc<dyn Secrets>,
        random: Arc<dyn SecureRandom>,
    ) -> Self {
        Self {
            purpose,
            secrets,
            random,
            cell: OnceCell::new(),
        }
    }

    /// The secret; read at the first call only.
    pub async fn get(&self) -> Result<&SecretSlice<u8>> {
        self.cell
            .get_or_try_init(async || {
                let candidate = self.random.bytes::<32>()?.to_vec();
                self.secrets
                    .get_or_put(self.purpose, candidate.into())
                    .await
            })
            .await
    }
}
