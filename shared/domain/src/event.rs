//! Domain events: what is published. Thin on purpose: ids, versions, names of changed fields, and values
//! that are no personal data; never an address, a name, the hash of a password or a token.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Actor, ApiKeyId, EventId, Origin, RequestId, Roles, ServiceName, SessionId, Timestamp, UserId,
    Version,
    digest::{Digest, FieldHash},
};

/// The `source` of every event, on the bus and in its CloudEvents form.
pub const SOURCE: &str = "roster";

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident),+ $(,)?) => {
        /// The names of the events: `detail-type` on the bus.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum EventKind { $($(#[$doc])* $kind),+ }

        impl EventKind {
            /// Every kind there is.
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// The name by which it is stored and published.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$kind => stringify!($kind)),+ }
            }
        }
    };
}

kinds! {
    /// A user signed up or was created.
    UserCreated,
    /// A user was imported from another system. Gets no welcome mail.
    UserImported,
    /// An administrator invited a user, or sent the invitation again. Version 1 makes the user.
    UserInvited,
    /// A concealed sign-up was requested.
    UserSignUpRequested,
    /// A user's name changed.
    UserUpdated,
    /// A user asked for another address.
    UserEmailChangeRequested,
    /// A user no longer wants another address.
    UserEmailChangeWithdrawn,
    /// A user's address changed.
    UserEmailChanged,
    /// A user proved the address.
    UserEmailVerified,
    /// A mail that proves the address was requested.
    UserEmailVerificationRequested,
    UserPasswordChanged,
    UserPasswordResetRequested,
    /// An administrator began the recovery of a user, who chooses another password by a link.
    UserRecoveryStarted,
    /// A user may also sign in by an external identity.
    UserIdentityLinked,
    /// A user may no longer sign in by an external identity.
    UserIdentityUnlinked,
    /// A user may no longer sign in.
    UserDeactivated,
    /// A user may sign in again.
    UserReactivated,
    UserRolesChanged,
    /// Every session of a user ended.
    UserSessionsEnded,
    /// An administrator lets mails go to a user's address again.
    UserMailSuppressionLifted,
    /// A user was erased.
    UserDeleted,
    /// A user signed in.
    SessionStarted,
    SessionEnded,
    /// Too many failed sign-ins.
    SignInLocked,
    /// An administrator made an API key.
    ApiKeyCreated,
    /// An administrator revoked an API key.
    ApiKeyRevoked,
    /// An administrator registered a service, or changed what it is told of.
    ServiceRegistered,
    /// A service has another secret.
    ServiceSecretRotated,
    /// A service is told of nothing any more.
    ServiceDeregistered,
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for EventKind {
    type Err = String;

    fn from_str(raw: &str) -> Result<Self, String> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.as_str() == raw)
            .ok_or_else(|| "is not an event".to_owned())
    }
}

/// When and why a command runs: what every method of an aggregate needs besides its own input.
#[derive(Debug, Clone)]
pub struct EventMetadata {
    /// The id of the event to come.
    pub event_id: EventId,
    /// 128 random bits; salts the digest of the event's private part.
    pub salt: String,
    /// The time at which the command began.
    pub now: Timestamp,
    /// The caller, and from where the command came.
    pub origin: Origin,
}

impl EventMetadata {
    /// An event at `now` that names no user.
    pub(super) fn event(&self, kind: EventKind, data: EventData) -> DomainEvent {
        DomainEvent {
            id: self.event_id,
            kind,
            time: self.now,
            user_id: None,
            version: None,
            actor: self.origin.actor,
            traceparent: self.origin.traceparent.clone(),
            data,
        }
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DomainEvent {
    /// Observers are idempotent by it.
    pub id: EventId,
    /// The `detail-type` on the bus.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// When it was written.
    pub time: Timestamp,
    /// The user it is about; none for an anonymous request, an API key or a service.
    #[serde(rename = "subject", skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// The version of the user which it made; none for events of sessions and requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// The caller that caused it.
    pub actor: Actor,
    /// W3C trace context of the request that caused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// Depends on the kind.
    #[serde(default)]
    pub data: EventData,
}

/// The `data` of an event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventData {
    /// Names of the fields that changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
    /// The roles before and after; only if they changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<RolesChange>,
    /// The session that started or ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// True if a user signed in from a device that is not known. Not there otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub new_device: bool,
    /// The anonymous request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    /// Why a session ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<EndReason>,
    /// The API key that was made or revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key_id: Option<ApiKeyId>,
    /// The service that was registered or deregistered, or has another secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    /// The digest of the session that started: see [`Session::digest`](crate::Session::digest).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
}

/// How the roles of a user changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolesChange {
    /// None of a new user.
    pub before: Roles,
    pub after: Roles,
}

impl RolesChange {
    pub(crate) fn digest(&self) -> Digest {
        let Self { before, after } = self;
        let mut hash = FieldHash::new("roster.roles.1");
        hash.list(before.iter());
        hash.list(after.iter());
        hash.finish()
    }
}

/// Why a session ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndReason {
    /// By request; the event's actor says whose.
    SignedOut,
    /// A refresh token was used twice (RFC 9700, 4.14.2).
    TokenReused,
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SignedOut => "signed-out",
            Self::TokenReused => "token-reused",
        })
    }
}

impl EventData {
    /// Data which names changed fields.
    pub fn changed(fields: &[&str]) -> Self {
        Self {
            changed: fields.iter().map(|&field| field.to_owned()).collect(),
            ..Self::default()
        }
    }
}

impl DomainEvent {
    /// The event in CloudEvents 1.0 JSON form, as it stands in `detail` on the bus.
    pub fn to_cloud_event(&self) -> Value {
        let mut event = json!(self);
        if let Value::Object(fields) = &mut event {
            fields.insert("specversion".to_owned(), json!("1.0"));
            fields.insert("source".to_owned(), json!(SOURCE));
            fields.insert("datacontenttype".to_owned(), json!("application/json"));
        }
        event
    }

    /// Reads the `detail` of an event on the bus.
    ///
    /// # Errors
    /// If it is no event of ours; names the field.
    pub fn from_cloud_event(detail: Value) -> Result<Self, serde_json::Error> {
        serde_json::from_value(detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_survives_the_bus() {
        let event = DomainEvent {
            id: EventId::new(Timestamp::from_seconds(1), [1; 10]),
            kind: EventKind::UserUpdated,
            time: Timestamp::from_seconds(2),
            user_id: Some(UserId::new(Timestamp::from_seconds(1), [2; 10])),
            version: Some(Version::FIRST),
            actor: Actor::Anonymous,
            traceparent: None,
            data: EventData::changed(&["name"]),
        };
        let detail = event.to_cloud_event();
        assert_eq!(detail["specversion"], "1.0");
        assert_eq!(detail["type"], "UserUpdated");
        assert_eq!(DomainEvent::from_cloud_event(detail).unwrap(), event);
    }

    #[test]
    fn a_kind_is_its_name() {
        for kind in EventKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
            assert_eq!(json!(kind), kind.as_str());
        }
        for reason in [EndReason::SignedOut, EndReason::TokenReused] {
            assert_eq!(json!(reason), reason.to_string());
        }
    }
}
