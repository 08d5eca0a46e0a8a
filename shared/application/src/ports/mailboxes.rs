//! What the mail service told of addresses.

use async_trait::async_trait;
use domain::{
    DomainEvent, Email, Result, Timestamp,
    mail::{MailOutcome, Mailbox},
};

/// Keeps what became of mails, by the digest of the address: its owner need not be a user.
#[async_trait]
pub trait Mailboxes: Send + Sync {
    /// What is known of an address.
    async fn find(&self, email: &Email) -> Result<Mailbox>;

    /// Notes what became of a mail to an address at a time. A delivery ends a bounce of before, and not a
    /// complaint. What is older than a delivery that ended one, or than a lift, changes nothing.
    /// Idempotent.
    async fn note(&self, email: &Email, outcome: MailOutcome, at: Timestamp) -> Result<()>;

    /// Forgets bounces and complaints of before the event, together with the event. Without any nothing
    /// is written, the event neither. Idempotent.
    async fn lift(&self, email: &Email, event: &DomainEvent) -> Result<()>;
}
