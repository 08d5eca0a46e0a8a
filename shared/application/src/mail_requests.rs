//! What anybody may ask for, for any address: the request is noted, and an observer finds out whether the
//! address has an account.

use std::sync::Arc;

use domain::{
    Email, Origin, RequestId, Result,
    attempt::{AttemptKey, Limit, Scope},
    request::{AnonymousRequest, RequestKind},
};

use crate::{
    ports::{AnonymousRequests, Env},
    rate_limit::RateLimiter,
};

/// Notes requests for mails.
pub struct MailRequests {
    /// Where they are kept.
    pub requests: Arc<dyn AnonymousRequests>,
    /// Limits how often.
    pub rate_limiter: RateLimiter,
    /// Mails to one address, an hour.
    pub per_address: Limit,
    /// Mails responder for from one place, an hour.
    pub per_client_ip: Limit,
    /// Time and randomness.
    pub env: Env,
}

impl MailRequests {
    /// Writes a request down: by the same calls for every address, so that nobody learns here whether it
    /// has an account.
    ///
    /// # Errors
    /// `TooManyRequests` if too many came for this address, or from this place.
    pub async fn submit(&self, kind: RequestKind, email: Email, origin: Origin) -> Result<()> {
        let tries = [
            (
                AttemptKey::of_address(Scope::MailTo, &email),
                self.per_address,
            ),
            (
                AttemptKey::of_client_ip(Scope::MailFrom, origin.client_ip),
                self.per_client_ip,
            ),
        ];
        self.rate_limiter.acquire(&tries).await?;
        let metadata = self.env.metadata(origin)?;
        let id = RequestId::new(metadata.now, self.env.random.bytes()?);
        let (request, event) = AnonymousRequest::new(id, email, kind, &metadata);
        self.requests.put(&request, &event).await
    }
}
