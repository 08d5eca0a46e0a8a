//! Password hashing.

use async_trait::async_trait;
use domain::{Password, PasswordHash, Result};

/// Hashes passwords, slowly on purpose.
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// A fresh hash with its own salt.
    async fn hash(&self, password: &Password) -> Result<PasswordHash>;

    /// True if `password` gave `hash`. Without a hash the answer is false, at the same cost.
    async fn verify(&self, password: &Password, hash: Option<&PasswordHash>) -> Result<bool>;

    /// True if `hash` is as a fresh one would be, but for the salt. If not, it should be replaced once
    /// the password is known: another system made it, or we did at another cost.
    fn is_current(&self, hash: &PasswordHash) -> bool;
}
