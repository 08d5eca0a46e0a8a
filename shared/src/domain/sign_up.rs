//! Sign-up: who may, and the wish of somebody whose sign-up is concealed.

use std::{net::IpAddr, str::FromStr, time::Duration};

use super::{
    DomainEvent, Email, EventKind, Name, PasswordHash, RequestId, Timestamp, UserId,
    change::Occasion, event::EventData,
};

/// How long a wish waits to be carried out before it is forgotten: longer than a stream keeps its
/// event.
const REQUEST_LIFETIME: Duration = Duration::from_hours(48);

/// Who may create users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignUpPolicy {
    /// Anyone; a taken address is told.
    Open,
    /// Anyone; nobody learns whether an address is taken.
    Concealed,
    /// Administrators.
    Admin,
}

impl FromStr for SignUpPolicy {
    type Err = String;

    fn from_str(raw: &str) -> Result<Self, String> {
        match raw {
            "open" => Ok(Self::Open),
            "concealed" => Ok(Self::Concealed),
            "admin" => Ok(Self::Admin),
            _ => Err("is not one of open, concealed, admin".to_owned()),
        }
    }
}

/// A concealed sign-up: written the same whether or not the address is taken, and carried out by an
/// observer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignUpRequest {
    /// Identity.
    pub id: RequestId,
    /// The id the user will have.
    pub user_id: UserId,
    /// Address.
    pub email: Email,
    /// Name.
    pub name: Name,
    /// Hash of the password.
    pub password: PasswordHash,
    /// From where.
    pub source_address: Option<IpAddr>,
    /// When the wish is forgotten.
    pub expires_at: Timestamp,
}

impl SignUpRequest {
    /// The wish, with its event.
    pub fn new(
        id: RequestId,
        user_id: UserId,
        email: Email,
        name: Name,
        password: PasswordHash,
        occasion: &Occasion,
    ) -> (Self, DomainEvent) {
        let request = Self {
            id,
            user_id,
            email,
            name,
            password,
            source_address: occasion.origin.source,
            expires_at: occasion.now.plus(REQUEST_LIFETIME),
        };
        let data = EventData {
            request_id: Some(id),
            ..EventData::default()
        };
        (
            request,
            occasion.plain_event(EventKind::UserSignUpRequested, data),
        )
    }
}
