//! Anonymous requests.

use std::{net::IpAddr, sync::Arc};

use application::ports::{AnonymousRequests, Clock};
use async_trait::async_trait;
use domain::{
    DomainEvent, Email, Error, Name, PasswordHash, RequestId, Result, Timestamp, UserId,
    request::{AnonymousRequest, RequestKind, SignUp},
};
use serde::{Deserialize, Serialize};

use super::{Entity, Key, Table, item::ttl};

/// The requests, in the sessions table.
#[derive(Clone)]
pub struct Requests {
    table: Table,
    clock: Arc<dyn Clock>,
}

impl Requests {
    /// The requests in `table`.
    pub fn new(table: Table, clock: Arc<dyn Clock>) -> Self {
        Self { table, clock }
    }
}

/// A request together with its event.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestItem {
    #[serde(flatten)]
    kind: KindItem,
    email: Email,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source_address: Option<IpAddr>,
    expires_at: Timestamp,
    event: DomainEvent,
    ttl: i64,
}

/// What is requested, in the attribute `kind` and those that belong to it.
#[derive(Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
enum KindItem {
    SignUp {
        user_id: UserId,
        name: Name,
        password_hash: String,
    },
    PasswordReset,
    EmailVerification,
}

impl Entity for RequestItem {
    type Id = RequestId;

    fn key(id: &RequestId) -> Key {
        Key::new(format!("REQUEST#{id}"), "REQUEST")
    }
}

impl From<&RequestKind> for KindItem {
    fn from(kind: &RequestKind) -> Self {
        match kind {
            RequestKind::SignUp(sign_up) => Self::SignUp {
                user_id: sign_up.user_id,
                name: sign_up.name.clone(),
                password_hash: sign_up.password.expose().to_owned(),
            },
            RequestKind::PasswordReset => Self::PasswordReset,
            RequestKind::EmailVerification => Self::EmailVerification,
        }
    }
}

impl From<KindItem> for RequestKind {
    fn from(item: KindItem) -> Self {
        match item {
            KindItem::SignUp {
                user_id,
                name,
                password_hash,
            } => Self::SignUp(SignUp {
                user_id,
                name,
                password: PasswordHash::from_phc(password_hash),
            }),
            KindItem::PasswordReset => Self::PasswordReset,
            KindItem::EmailVerification => Self::EmailVerification,
        }
    }
}

impl RequestItem {
    fn new(request: &AnonymousRequest, event: &DomainEvent) -> Self {
        Self {
            kind: KindItem::from(&request.kind),
            email: request.email.clone(),
            source_address: request.source_address,
            expires_at: request.expires_at,
            event: event.clone(),
            ttl: ttl(request.expires_at),
        }
    }

    fn into_request(self, id: RequestId) -> AnonymousRequest {
        AnonymousRequest {
            id,
            email: self.email,
            kind: self.kind.into(),
            source_address: self.source_address,
            expires_at: self.expires_at,
        }
    }
}

#[async_trait]
impl AnonymousRequests for Requests {
    async fn put(&self, request: &AnonymousRequest, event: &DomainEvent) -> Result<()> {
        let item = RequestItem::new(request, event);
        match self.table.insert(&request.id, &item).await? {
            // With our event it is ours: the reply to an earlier attempt was lost.
            Some(other) if other.event.id != event.id => {
                Err(Error::internal("the id of a request is in use"))
            }
            _ => Ok(()),
        }
    }

    async fn find(&self, id: RequestId) -> Result<Option<AnonymousRequest>> {
        let item = self.table.get::<RequestItem>(&id).await?;
        let now = self.clock.now();
        Ok(item
            .filter(|item| item.expires_at > now)
            .map(|item| item.into_request(id)))
    }

    async fn remove(&self, id: RequestId) -> Result<()> {
        self.table.delete(RequestItem::key(&id)).await
    }
}
