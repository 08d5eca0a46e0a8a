//! What anybody may ask for, for any address: the wish is noted, and an observer finds out whether the
//! address has an account.

use std::sync::Arc;

use domain::{
    Email, Origin, RequestId, Result,
    attempt::{AttemptKey, Limit, Scope},
    request::{AnonymousRequest, RequestKind},
};

use crate::{
    ports::{AnonymousRequests, Circumstances},
    rate_limit::Throttle,
};

/// Notes wishes for mails.
pub struct Asking {
    /// Where they are kept.
    pub requests: Arc<dyn AnonymousRequests>,
    /// Limits how often.
    pub throttle: Throttle,
    /// Mails to one address, an hour.
    pub per_address: Limit,
    /// Mails asked for from one place, an hour.
    pub per_source: Limit,
    /// Time and randomness.
    pub circumstances: Circumstances,
}

impl Asking {
    /// Writes a wish down: by the same calls for every address, so that nobody learns here whether it
    /// has an account.
    ///
    /// # Errors
    /// `TooManyRequests` if too many came for this address, or from this place.
    pub async fn ask(&self, kind: RequestKind, email: Email, origin: Origin) -> Result<()> {
        let tries = [
            (
                AttemptKey::of_address(Scope::MailTo, &email),
                self.per_address,
            ),
            (
                AttemptKey::of_source(Scope::MailFrom, origin.source),
                self.per_source,
            ),
        ];
        self.throttle.admit(&tries).await?;
        let occasion = self.circumstances.occasion(origin)?;
        let id = RequestId::new(occasion.now, self.circumstances.entropy.bytes()?);
        let (request, event) = AnonymousRequest::new(id, email, kind, &occasion);
        self.requests.put(&request, &event).await
    }
}
