//! The ledger: a mail is claimed, then sent.

use std::{sync::Arc, time::Duration};

use domain::{
    Error, EventId, Result,
    mail::{Mail, MailGuarantee},
};
use serde_json::{Value, json};

use super::{MailTemplate, limiter::MailLimit};
use crate::ports::{
    Claimed, Lease, LeaseKey, LeaseOptions, Leases, Mailer, Purpose, SendOutcome, Settled,
};

/// How long the ledger remembers a mail: longer than anything replays its event.
pub const RETENTION: Duration = Duration::from_hours(30 * 24);

/// What a worker's clock may be behind Lambda's.
const SKEW: Duration = Duration::from_secs(1);

/// Sends each mail once, except in the window that nobody can close: the mail service accepted it,
/// and the worker died before the ledger noted so. There, [`MailGuarantee`] chooses; and if the
/// service's own events tell the ledger before the next worker comes, there is nothing to choose.
#[derive(Clone)]
pub struct MailLedger {
    /// One lease for each mail.
    pub leases: Arc<dyn Leases>,
    /// Sends the mail.
    pub mailer: Arc<dyn Mailer>,
    /// Decides about mails of which nobody knows whether they were sent.
    pub guarantee: MailGuarantee,
}

/// A mail as it is written, or why there is none.
pub(super) type Written = std::result::Result<Mail, Unsent>;

/// Why a mail is never sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unsent {
    /// It makes no sense by now.
    NotCalledFor,
    OverLimit(MailLimit),
    /// Its address bounced, or its owner complained.
    Suppressed,
}

/// What became of a mail, as the ledger notes it. It is what the first worker that knew has noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome(String);

impl Outcome {
    const SENT: &str = "sent";
    /// Nobody knows whether it was sent, and it must not be sent twice.
    const UNKNOWN: &str = "unknown";

    /// True if a limit keeps the mail back for good.
    pub(super) fn is_over_limit(&self) -> bool {
        MailLimit::ALL.iter().any(|limit| limit.metric() == self.0)
    }

    fn of(settled: &Settled) -> Self {
        let outcome = settled.result["outcome"].as_str();
        Self(outcome.unwrap_or(Self::UNKNOWN).to_owned())
    }
}

impl Unsent {
    fn outcome(self) -> &'static str {
        match self {
            Self::NotCalledFor => "not called for",
            Self::OverLimit(limit) => limit.metric(),
            Self::Suppressed => "suppressed",
        }
    }
}

impl MailLedger {
    /// Sends the mail by `template` for `event`, unless it was sent. `write` is called under the lease,
    /// with true by the first worker that ever had it. If it makes no mail, nothing will ever be sent.
    /// `remaining` is how long this worker may still run; until then no other worker takes the mail.
    ///
    /// # Errors
    /// If the mail was not sent, or if nobody knows; repeating the call is safe.
    pub(super) async fn deliver(
        &self,
        event: EventId,
        template: MailTemplate,
        write: impl AsyncFnOnce(bool) -> Result<Written>,
        remaining: Duration,
    ) -> Result<Outcome> {
        let key = LeaseKey::new(Purpose::Mail, format!("{event}_{}", template.as_str()));
        let options = LeaseOptions {
            fingerprint: String::new(),
            reserved: Value::Null,
            lease: remaining + SKEW,
            retention: RETENTION,
        };
        let lease = match self.leases.claim(&key, &options).await? {
            Claimed::Won(lease) => lease,
            Claimed::Done(settled) => return Ok(Outcome::of(&settled)),
            Claimed::Running { .. } => {
                return Err(Error::internal("another worker is sending this mail"));
            }
        };
        if lease.abandoned && self.guarantee == MailGuarantee::NeverTwice {
            tracing::warn!(
                lease = key.key,
                "a mail may never have been sent, and must not be sent twice"
            );
            return self.note(&lease, Outcome::UNKNOWN).await;
        }
        let mail = match write(lease.fence == 1).await {
            Ok(Ok(mail)) => mail,
            Ok(Err(unsent)) => return self.note(&lease, unsent.outcome()).await,
            Err(error) => {
                self.leases.release(&lease).await?;
                return Err(error);
            }
        };
        match self.mailer.send(&mail, &key).await? {
            SendOutcome::Accepted => {
                tracing::info!(metric = "MailSent");
                self.note(&lease, Outcome::SENT).await
            }
            SendOutcome::Refused(reason) => {
                self.leases.release(&lease).await?;
                Err(Error::internal(format!(
                    "the mail service refused the mail: {reason}"
                )))
            }
        }
    }

    async fn note(&self, lease: &Lease, outcome: &str) -> Result<Outcome> {
        // What is settled already stays: the mail service's own event may have come first.
        self.leases
            .settle(lease, &json!({"outcome": outcome}))
            .await?;
        Ok(Outcome(outcome.to_owned()))
    }
}
