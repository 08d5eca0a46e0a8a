//! The ledger: claimed, then sent.

use std::{future::Future, sync::Arc, time::Duration};

use domain::{
    Error, EventId, Result,
    mail::{Mail, MailGuarantee},
};
use serde_json::{Value, json};

use super::Letter;
use crate::ports::{Claim, ClaimKey, Claimed, Claims, Mailer, Posted, Purpose, Terms};

/// How long the ledger remembers a mail: longer than anything replays its event.
const RETENTION: Duration = Duration::from_hours(30 * 24);

/// What a worker's clock may be behind Lambda's.
const SKEW: Duration = Duration::from_secs(1);

/// Sends each mail once, except in the window that nobody can close: the mail service accepted it,
/// and the worker died before the ledger noted so. There, [`MailGuarantee`] chooses; and if the
/// service's own events tell the ledger before the next worker comes, there is nothing to choose.
#[derive(Clone)]
pub struct Courier {
    /// The ledger.
    pub claims: Arc<dyn Claims>,
    /// The mail service.
    pub mailer: Arc<dyn Mailer>,
    /// The choice.
    pub guarantee: MailGuarantee,
}

impl Courier {
    /// Sends the `letter` that `event` calls for, unless it was sent. `mail` is awaited while the
    /// letter is ours; if nothing comes of it, nothing will ever be sent. `remaining` is how long
    /// this worker may still run; until then nobody else takes the mail.
    ///
    /// # Errors
    /// If the mail was not sent, or if nobody knows; repeating the call is safe.
    pub async fn deliver(
        &self,
        event: EventId,
        letter: Letter,
        mail: impl Future<Output = Result<Option<Mail>>>,
        remaining: Duration,
    ) -> Result<()> {
        let key = ClaimKey::new(Purpose::Mail, format!("{event}_{}", letter.as_str()));
        let terms = Terms {
            fingerprint: String::new(),
            reserved: Value::Null,
            lease: remaining + SKEW,
            retention: RETENTION,
        };
        let claim = match self.claims.claim(&key, &terms).await? {
            Claimed::Won(claim) => claim,
            Claimed::Done(_) => return Ok(()),
            Claimed::Running { .. } => {
                return Err(Error::internal("another worker is sending this mail"));
            }
        };
        if claim.abandoned && self.guarantee == MailGuarantee::NeverTwice {
            tracing::warn!(
                claim = key.key,
                "a mail may never have been sent, and must not be sent twice"
            );
            return self.note(&claim, "unknown").await;
        }
        let mail = match mail.await {
            Ok(Some(mail)) => mail,
            Ok(None) => return self.note(&claim, "not called for").await,
            Err(error) => {
                self.claims.release(&claim).await?;
                return Err(error);
            }
        };
        match self.mailer.send(&mail, &key).await? {
            Posted::Accepted => self.note(&claim, "sent").await,
            Posted::Refused(reason) => {
                self.claims.release(&claim).await?;
                Err(Error::internal(format!(
                    "the mail service refused the mail: {reason}"
                )))
            }
        }
    }

    async fn note(&self, claim: &Claim, outcome: &str) -> Result<()> {
        if !self
            .claims
            .settle(claim, &json!({"outcome": outcome}))
            .await?
        {
            // As a rule by the mail service's own event, which may come before this line.
            tracing::debug!(claim = claim.key.key, "the ledger was settled already");
        }
        Ok(())
    }
}
