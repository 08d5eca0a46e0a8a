//! The limit on new users, whichever way they come.

use domain::{
    Origin, Result,
    attempt::{AttemptKey, Limit, Scope},
};

use crate::rate_limit::RateLimiter;

/// Limits how many users one client IP makes. Whatever makes one spends it first: a sign-up, a provider, or
/// a link that replaces an account.
#[derive(Clone)]
pub struct SignUpLimiter {
    /// Counts sign-ups.
    pub rate_limiter: RateLimiter,
    pub per_client_ip: Limit,
}

impl SignUpLimiter {
    /// Spends a sign-up: one write.
    ///
    /// # Errors
    /// `TooManyRequests` if none is left.
    pub async fn acquire(&self, origin: &Origin) -> Result<()> {
        let client_ip = AttemptKey::of_client_ip(Scope::SignUp, origin.client_ip);
        let sign_up = (client_ip, self.per_client_ip);
        self.rate_limiter.acquire(&[sign_up]).await
    }
}
