//! Requests for mails, which anybody may send for any address: the request is stored, and an observer
//! finds out whether the address has an account.

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

/// Stores requests for mails.
pub struct MailRequests {
    /// Stores them.
    pub requests: Arc<dyn AnonymousRequests>,
    /// Limits how many come.
    pub rate_limiter: RateLimiter,
    /// Requests from one client IP, in an hour.
    pub per_client_ip: Limit,
    pub env: Env,
}

impl MailRequests {
    /// Stores a request: by the same calls for every address, so that the caller does not learn whether
    /// it has an account. The address is not counted here but where the mail leaves: a stranger must
    /// not use up what the owner may ask.
    ///
    /// # Errors
    /// `TooManyRequests` if too many came from this client IP.
    pub async fn submit(&self, kind: RequestKind, email: Email, origin: Origin) -> Result<()> {
        let client_ip = AttemptKey::of_client_ip(Scope::MailFrom, origin.client_ip);
        self.rate_limiter
            .acquire(&[(client_ip, self.per_client_ip)])
            .await?;
        let metadata = self.env.metadata(origin)?;
        let id = RequestId::new(metadata.now, self.env.random.bytes()?);
        let (request, event) = AnonymousRequest::new(id, email, kind, &metadata);
        self.requests.put(&request, &event).await
    }
}
