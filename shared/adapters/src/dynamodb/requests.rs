//! Anonymous requests.
//!
//! The stream of the sessions table shows whole items to its relay, and a request carries its event. So
//! the password hash of a sign-up stands beside those of users, in the table whose stream has keys alone.

use std::net::IpAddr;

use application::ports::{AnonymousRequests, Env};
use async_trait::async_trait;
use domain::{
    DomainEvent, Email, Error, Name, PasswordHash, RequestId, Result, Timestamp, UserId,
    request::{AnonymousRequest, RequestKind, SignUp},
};
use serde::{Deserialize, Serialize};

use super::{
    Entity, Item, Key, Table,
    item::{text, ttl},
};

/// With our event it is ours: the reply to an earlier attempt was lost.
const ABSENT_OR_OURS: &str = "attribute_not_exists(#pk) OR #event.#id = :event";

/// The requests, in the sessions table; the passwords of sign-ups are in the users table.
#[derive(Clone)]
pub struct Requests {
    table: Table,
    users: Table,
    env: Env,
}

impl Requests {
    /// The requests in `table`, with their passwords in `users`.
    pub fn new(table: Table, users: Table, env: Env) -> Self {
        Self { table, users, env }
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
        /// Not in new requests.
        #[serde(default, skip_serializing)]
        password_hash: Option<String>,
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

/// The password of a sign-up.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PasswordItem {
    password_hash: String,
    ttl: i64,
}

impl Entity for PasswordItem {
    type Id = RequestId;

    fn key(id: &RequestId) -> Key {
        Key::new(format!("SIGN-UP#{id}"), "SIGN-UP")
    }
}

impl From<&RequestKind> for KindItem {
    fn from(kind: &RequestKind) -> Self {
        match kind {
            RequestKind::SignUp(sign_up) => Self::SignUp {
                user_id: sign_up.user_id,
                name: sign_up.name.clone(),
                password_hash: None,
            },
            RequestKind::PasswordReset => Self::PasswordReset,
            RequestKind::EmailVerification => Self::EmailVerification,
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
}

impl Requests {
    /// What is requested; none of a sign-up whose password is gone.
    async fn kind(&self, id: RequestId, item: KindItem) -> Result<Option<RequestKind>> {
        Ok(match item {
            KindItem::SignUp {
                user_id,
                name,
                password_hash,
            } => {
                let hash = match password_hash {
                    Some(hash) => Some(hash),
                    None => self
                        .users
                        .get::<PasswordItem>(&id)
                        .await?
                        .map(|item| item.password_hash),
                };
                hash.map(|hash| {
                    RequestKind::SignUp(SignUp {
                        user_id,
                        name,
                        password: PasswordHash::from_phc(hash),
                    })
                })
            }
            KindItem::PasswordReset => Some(RequestKind::PasswordReset),
            KindItem::EmailVerification => Some(RequestKind::EmailVerification),
        })
    }

    /// Writes a sign-up and its password: both or neither.
    async fn put_sign_up(
        &self,
        id: RequestId,
        item: &RequestItem,
        password: &PasswordHash,
    ) -> Result<()> {
        let password = PasswordItem {
            password_hash: password.expose().to_owned(),
            ttl: item.ttl,
        };
        let event = Item::from([(":event".to_owned(), text(item.event.id))]);
        let writes = vec![
            self.table.putting(&id, item, ABSENT_OR_OURS, Some(event))?,
            self.users.replacing(&id, &password)?,
        ];
        let token = self.env.random.token()?;
        let written = self.table.transact(writes, token).await;
        written.map_err(|error| self.table.fault("TransactWriteItems", &error).into())
    }
}

#[async_trait]
impl AnonymousRequests for Requests {
    async fn put(&self, request: &AnonymousRequest, event: &DomainEvent) -> Result<()> {
        let item = RequestItem::new(request, event);
        if let RequestKind::SignUp(sign_up) = &request.kind {
            return self.put_sign_up(request.id, &item, &sign_up.password).await;
        }
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
        let now = self.env.clock.now();
        let Some(item) = item.filter(|item| item.expires_at > now) else {
            return Ok(None);
        };
        let kind = self.kind(id, item.kind).await?;
        Ok(kind.map(|kind| AnonymousRequest {
            id,
            email: item.email,
            kind,
            source_address: item.source_address,
            expires_at: item.expires_at,
        }))
    }

    async fn remove_mail_request(&self, id: RequestId) -> Result<()> {
        self.table.delete(RequestItem::key(&id)).await
    }

    async fn remove_sign_up(&self, id: RequestId) -> Result<()> {
        self.users.delete(PasswordItem::key(&id)).await?;
        self.remove_mail_request(id).await
    }
}
