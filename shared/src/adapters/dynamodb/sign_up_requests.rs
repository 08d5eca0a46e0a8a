//! Wishes of people whose sign-up is concealed.

use std::{net::IpAddr, sync::Arc};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Entity, Key, Table, item::ttl};
use crate::{
    domain::{
        DomainEvent, Email, Error, Name, PasswordHash, RequestId, Result, Timestamp, UserId,
        sign_up::SignUpRequest,
    },
    ports::{Clock, SignUpRequests},
};

/// The wishes, in the sessions table.
#[derive(Clone)]
pub struct Requests {
    table: Table,
    clock: Arc<dyn Clock>,
}

impl Requests {
    /// The wishes in `table`.
    pub fn new(table: Table, clock: Arc<dyn Clock>) -> Self {
        Self { table, clock }
    }
}

/// A wish together with its event.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestItem {
    user_id: UserId,
    email: Email,
    name: Name,
    password_hash: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source_address: Option<IpAddr>,
    expires_at: Timestamp,
    event: DomainEvent,
    ttl: i64,
}

impl Entity for RequestItem {
    type Id = RequestId;

    fn key(id: &RequestId) -> Key {
        Key::new(format!("REQUEST#{id}"), "REQUEST")
    }
}

impl RequestItem {
    fn new(request: &SignUpRequest, event: &DomainEvent) -> Self {
        Self {
            user_id: request.user_id,
            email: request.email.clone(),
            name: request.name.clone(),
            password_hash: request.password.expose().to_owned(),
            source_address: request.source_address,
            expires_at: request.expires_at,
            event: event.clone(),
            ttl: ttl(request.expires_at),
        }
    }

    fn into_request(self, id: RequestId) -> SignUpRequest {
        SignUpRequest {
            id,
            user_id: self.user_id,
            email: self.email,
            name: self.name,
            password: PasswordHash::from_phc(self.password_hash),
            source_address: self.source_address,
            expires_at: self.expires_at,
        }
    }
}

#[async_trait]
impl SignUpRequests for Requests {
    async fn put(&self, request: &SignUpRequest, event: &DomainEvent) -> Result<()> {
        let item = RequestItem::new(request, event);
        match self.table.insert(&request.id, &item).await? {
            // With our event it is ours: the reply to an earlier try was lost.
            Some(other) if other.event.id != event.id => {
                Err(Error::internal("the id of a request is in use"))
            }
            _ => Ok(()),
        }
    }

    async fn find(&self, id: RequestId) -> Result<Option<SignUpRequest>> {
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
