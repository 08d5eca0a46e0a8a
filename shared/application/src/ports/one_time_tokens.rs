//! One-time tokens.

use async_trait::async_trait;
use domain::{
    Result,
    token::{TokenIssue, TokenUse},
};

/// Keeps the one-time tokens. The change they permit uses them up: see
/// [`Change::spending`](domain::Change::spending).
#[async_trait]
pub trait OneTimeTokens: Send + Sync {
    /// Puts a token into the user's slot for its purpose; the one before is void. Nothing changes if
    /// the slot has a newer one, or this one already: a used token stays used. Returns true if the
    /// token is in its slot and unused.
    async fn issue(&self, token: &TokenIssue) -> Result<bool>;

    /// True if a change that spends `token` would find it good.
    async fn is_good(&self, token: &TokenUse) -> Result<bool>;
}
