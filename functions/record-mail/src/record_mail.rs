//! The use case: what the mail service reports of a mail is noted.

use std::sync::Arc;

use serde_json::json;
use shared::{
    application::ports::{LeaseKey, Leases, Mailboxes, Purpose},
    domain::{Email, Result, Timestamp, mail::MailOutcome},
};

/// Keeps the mail ledger true, and knows the addresses to which no mail may go.
pub struct RecordMail {
    /// The ledger.
    pub leases: Arc<dyn Leases>,
    /// What became of mails.
    pub mailboxes: Arc<dyn Mailboxes>,
}

/// What the mail service reports of a mail.
#[derive(Debug)]
pub enum Report {
    /// It accepted it.
    Sent,
    /// It did not try to deliver it after all.
    Rejected,
    /// What became of it at its address, and when.
    Ended(MailOutcome, Email, Timestamp),
}

impl RecordMail {
    /// Notes what is reported of the mail of the lease `key`. A lease unknown or settled stays as it is.
    pub async fn execute(&self, key: &str, report: Report) -> Result<()> {
        match report {
            Report::Sent => self.witness(key, "sent").await,
            Report::Rejected => {
                tracing::warn!(metric = "MailRejected", mail = key);
                self.witness(key, "rejected").await
            }
            Report::Ended(outcome, email, at) => {
                match outcome {
                    MailOutcome::Bounced => tracing::warn!(metric = "MailBounced", mail = key),
                    MailOutcome::Complained => {
                        tracing::warn!(metric = "MailComplained", mail = key);
                    }
                    MailOutcome::Delivered => {}
                }
                self.mailboxes.note(&email, outcome, at).await
            }
        }
    }

    async fn witness(&self, key: &str, outcome: &str) -> Result<()> {
        let key = LeaseKey::new(Purpose::Mail, key);
        // False in the common case: the worker noted it first.
        self.leases
            .witness(&key, &json!({"outcome": outcome}))
            .await
            .map(|_| ())
    }
}
