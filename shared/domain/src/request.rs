//! Anonymous requests: anybody may send them for any address. Written the same whether or not the
//! address has an account, and carried out by an observer.

use std::{net::IpAddr, time::Duration};

use super::{
    DomainEvent, Email, EventKind, Name, PasswordHash, RequestId, Timestamp, TokenPurpose, UserId,
    event::{EventData, EventMetadata},
};

/// How long a request is kept: longer than a stream keeps its event (24 hours). A sign-up waits for its
/// link, as long as that is good.
const LIFETIME: Duration = Duration::from_hours(48);

/// A request for an address, which need not be that of the sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnonymousRequest {
    /// Named by the event.
    pub id: RequestId,
    /// As in the request.
    pub email: Email,
    pub kind: RequestKind,
    /// The client IP of the request.
    pub source_address: Option<IpAddr>,
    /// The request is ignored from then on.
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestKind {
    /// An account, while the deployment conceals who has one.
    SignUp(SignUp),
    /// A mail by which to choose a new password.
    PasswordReset,
    /// A mail that proves the address.
    EmailVerification,
}

/// A concealed sign-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignUp {
    pub user_id: UserId,
    /// How the user wants to be called.
    pub name: Name,
    /// Made before anybody knew whether it is needed, so that timing tells nothing.
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

    fn lifetime(&self) -> Duration {
        match self {
            Self::SignUp(_) => TokenPurpose::SignUp.lifetime(),
            Self::PasswordReset | Self::EmailVerification => LIFETIME,
        }
    }
}

impl AnonymousRequest {
    /// A request with its event, which names the request and no user.
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
            expires_at: metadata.now.plus(kind.lifetime()),
            kind,
            source_address: metadata.origin.client_ip,
        };
        (request, event)
    }
}
