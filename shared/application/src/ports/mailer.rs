//! The mail service.

use async_trait::async_trait;
use domain::{Result, mail::Mail};

use super::LeaseKey;

#[async_trait]
pub trait Mailer: Send + Sync {
    /// Hands `mail` to the mail service, marked with the key of its lease, by which the service's
    /// own events find the ledger.
    ///
    /// # Errors
    /// If nobody knows whether the service accepted it.
    async fn send(&self, mail: &Mail, lease: &LeaseKey) -> Result<SendOutcome>;
}

/// The answer of the mail service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendOutcome {
    /// The service will try to deliver it.
    Accepted,
    /// The service does not have it; says why.
    Refused(String),
}
