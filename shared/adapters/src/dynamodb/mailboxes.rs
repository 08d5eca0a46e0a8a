//! What the mail service told of addresses.

use std::time::Duration;

use application::ports::Mailboxes;
use async_trait::async_trait;
use domain::{
    DomainEvent, Email, Result, Timestamp,
    mail::{MailOutcome, Mailbox},
};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{
    Entity, Key, Table,
    item::{Update, number, text, ttl, value},
    table::Written,
};

/// How long a lift is kept: longer than reports of what was before it are repeated.
const RETENTION: Duration = Duration::from_hours(30 * 24);

/// The mailboxes, in the sessions table.
#[derive(Clone)]
pub struct MailboxItems {
    table: Table,
}

impl MailboxItems {
    /// The mailboxes in `table`.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    async fn update(&self, update: Update) -> Result<()> {
        // Refused: what is there is newer, or nothing is there to be changed.
        let (Written::Done(IgnoredAny) | Written::Refused(_)) = self.table.update(update).await?;
        Ok(())
    }
}

/// A mailbox, and in the same item the event of the last lift. What was before `clearedAt` does not
/// count. An address in whose mails nothing went wrong has no item.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MailboxItem {
    #[serde(default)]
    bounced_at: Option<Timestamp>,
    #[serde(default)]
    complained_at: Option<Timestamp>,
}

impl Entity for MailboxItem {
    type Id = Email;

    fn key(email: &Email) -> Key {
        Key::new(format!("MAILBOX#{}", email.digest()), "MAILBOX")
    }
}

#[async_trait]
impl Mailboxes for MailboxItems {
    /// One read.
    async fn find(&self, email: &Email) -> Result<Mailbox> {
        let item = self.table.get::<MailboxItem>(email).await?;
        Ok(item.map_or_else(Mailbox::default, |item| Mailbox {
            bounced_at: item.bounced_at,
            complained_at: item.complained_at,
        }))
    }

    /// One update.
    async fn note(&self, email: &Email, outcome: MailOutcome, at: Timestamp) -> Result<()> {
        let (changes, condition) = match outcome {
            MailOutcome::Delivered => (
                "SET #clearedAt = :at REMOVE #bouncedAt, #event",
                "#bouncedAt < :at",
            ),
            MailOutcome::Bounced => (
                "SET #bouncedAt = :at REMOVE #ttl, #event",
                "(attribute_not_exists(#clearedAt) OR #clearedAt < :at) \
                 AND (attribute_not_exists(#bouncedAt) OR #bouncedAt < :at)",
            ),
            MailOutcome::Complained => (
                "SET #complainedAt = :at REMOVE #ttl, #event",
                "(attribute_not_exists(#clearedAt) OR #clearedAt < :at) \
                 AND (attribute_not_exists(#complainedAt) OR #complainedAt < :at)",
            ),
        };
        self.update(Update {
            key: MailboxItem::key(email),
            changes,
            condition: Some(condition),
            values: vec![(":at", text(at))],
        })
        .await
    }

    /// One update.
    async fn lift(&self, email: &Email, event: &DomainEvent) -> Result<()> {
        self.update(Update {
            key: MailboxItem::key(email),
            changes: "SET #clearedAt = :now, #event = :event, #ttl = :ttl \
                      REMOVE #bouncedAt, #complainedAt",
            condition: Some("attribute_exists(#bouncedAt) OR attribute_exists(#complainedAt)"),
            values: vec![
                (":now", text(event.time)),
                (":event", value(event)?),
                (":ttl", number(ttl(event.time.plus(RETENTION)))),
            ],
        })
        .await
    }
}
