//! Open invitations.

use std::sync::Arc;

use application::ports::{Clock, InvitationPage, Invitations};
use async_trait::async_trait;
use domain::{Error, Result, Timestamp, UserId, user::Invitation};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{
    Entity, Key, Table,
    item::{Update, number, text, ttl},
    query::Query,
    table::Written,
};

/// All of them. One partition takes 1,000 writes a second, and only administrators invite.
const PARTITION: &str = "INVITATION";

/// The invitations, in the sessions table.
#[derive(Clone)]
pub struct InvitationList {
    table: Table,
    clock: Arc<dyn Clock>,
}

impl InvitationList {
    /// The invitations in `table`.
    pub fn new(table: Table, clock: Arc<dyn Clock>) -> Self {
        Self { table, clock }
    }
}

/// An invitation. It has nothing personal: that is with the user.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct InvitationItem {
    user_id: UserId,
    sent_at: Timestamp,
    expires_at: Timestamp,
    ttl: i64,
}

impl Entity for InvitationItem {
    type Id = UserId;

    fn key(id: &UserId) -> Key {
        Key::new(PARTITION, id.to_string())
    }
}

#[async_trait]
impl Invitations for InvitationList {
    /// One update.
    async fn note(&self, invitation: &Invitation) -> Result<()> {
        let update = Update {
            key: InvitationItem::key(&invitation.user_id),
            changes: "SET #userId = :userId, #sentAt = :sentAt, #expiresAt = :expiresAt, \
                      #ttl = :ttl",
            condition: Some("attribute_not_exists(#sentAt) OR #sentAt < :sentAt"),
            values: vec![
                (":userId", text(invitation.user_id)),
                (":sentAt", text(invitation.sent_at)),
                (":expiresAt", text(invitation.expires_at)),
                (":ttl", number(ttl(invitation.expires_at))),
            ],
        };
        // If a later time is there, the invitation was sent again meanwhile.
        let (Written::Done(IgnoredAny) | Written::Refused(_)) = self.table.update(update).await?;
        Ok(())
    }

    /// One query.
    async fn list(&self, after: Option<UserId>, limit: usize) -> Result<InvitationPage> {
        let mut values = vec![(":pk", text(PARTITION)), (":now", text(self.clock.now()))];
        values.extend(after.map(|user| (":after", text(user))));
        let query = Query {
            keys: match after {
                Some(_) => "#pk = :pk AND #sk < :after",
                None => "#pk = :pk",
            },
            filter: Some("#expiresAt > :now"),
            values,
            descending: true,
            limit: Some(limit),
            ..Query::default()
        };
        let page = self.table.query::<InvitationItem>(&query, None).await?;
        let last = page.next.map(super::from_item::<Key>).transpose()?;
        let next = last.map(|key| key.sk.parse()).transpose();
        Ok(InvitationPage {
            invitations: page.items.into_iter().map(Invitation::from).collect(),
            next: next.map_err(|_| Error::internal("an invitation has a key that is no id"))?,
        })
    }
}

impl From<InvitationItem> for Invitation {
    fn from(item: InvitationItem) -> Self {
        Self {
            user_id: item.user_id,
            sent_at: item.sent_at,
            expires_at: item.expires_at,
        }
    }
}
