//! Anonymous requests: what somebody requests of whom nobody knows yet whether they are a user. Written
//! the same whether or not the address has an account, and carried out by an observer.

use std::{net::IpAddr, time::Duration};

use super::{
    DomainEvent, Email, EventKind, Name, PasswordHash, RequestId, Timestamp, UserId,
    event::{EventData, EventMetadata},
};

/// How long a request waits to be carried out before it is forgotten: longer than a stream keeps its
/// event.
const LIFETIME: Duration = Duration::from_hours(48);

/// A request by somebody with this address, or so they say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnonymousRequest {
    /// Identity.
    pub id: RequestId,
    /// Address.
    pub email: Email,
    /// What is wished.
    pub kind: RequestKind,
    /// From where.
    pub source_address: Option<IpAddr>,
    /// When the request is forgotten.
    pub expires_at: Timestamp,
}

/// What is wished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestKind {
    /// An account.
    SignUp(SignUp),
    /// Another password.
    PasswordReset,
    /// A mail that proves the address.
    EmailVerification,
}

/// A concealed sign-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignUp {
    /// The id the user will have.
    pub user_id: UserId,
    /// Name.
    pub name: Name,
    /// Hash of the password.
    pub password: PasswordHash,
}

impl RequestKind {
    fn event_kind(&self) -> EventKind {
        match self {
            Self::SignUp(_) => EventKind::UserSignUpRequested,
            Self::PasswordReset => EventKind::UserPasswordResetRequested,
            Self::EmailVerification => EventKind::UserEmailVerificationRequested,
        }
    }
}

impl AnonymousRequest {
    /// The request, with its event: which names it, and nobody.
    pub fn new(
        id: RequestId,
        email: Email,
        kind: RequestKind,
        metadata: &EventMetadata,
    ) -> (Self, DomainEvent) {
        let data = EventData {
            request_id: Some(id),
            ..EventData::default()
        };
        let event = metadata.event(kind.event_kind(), data);
        let request = Self {
            id,
            email,
            kind,
            source_address: metadata.origin.client_ip,
            expires_at: metadata.now.plus(LIFETIME),
        };
        (request, event)
    }
}
