//! Domain events: what others are told. Thin on purpose: ids, versions and names of changed fields,
//! never an address, a name, a hash or a token.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Actor, EventId, RequestId, SessionId, Timestamp, UserId, Version, session::EndReason};

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

            /// The name.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$kind => stringify!($kind)),+ }
            }
        }
    };
}

kinds! {
    /// A user signed up or was created.
    UserCreated,
    /// A user came from another system. Nobody is to be welcomed.
    UserImported,
    /// Somebody asked for a concealed sign-up.
    UserSignUpRequested,
    /// A user's name changed.
    UserUpdated,
    /// A user asked for another address.
    UserEmailChangeRequested,
    /// A user's address changed.
    UserEmailChanged,
    /// A user proved the address.
    UserEmailVerified,
    /// Somebody asked for a mail that proves the address.
    UserEmailVerificationRequested,
    /// A user's password changed.
    UserPasswordChanged,
    /// Somebody asked for a password reset.
    UserPasswordResetRequested,
    /// A user may also sign in by an identity elsewhere.
    UserIdentityLinked,
    /// A user may no longer sign in by an identity elsewhere.
    UserIdentityUnlinked,
    /// A user may no longer sign in.
    UserDeactivated,
    /// A user may sign in again.
    UserReactivated,
    /// A user's roles changed.
    UserRolesChanged,
    /// Every session of a user ended.
    UserSessionsEnded,
    /// A user was erased.
    UserDeleted,
    /// A user signed in.
    SessionStarted,
    /// A session ended.
    SessionEnded,
    /// Too many failed sign-ins.
    SignInLocked,
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

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DomainEvent {
    /// Its id.
    pub id: EventId,
    /// What.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// When.
    pub time: Timestamp,
    /// To whom; nobody for a request of somebody not known to be a user.
    #[serde(rename = "subject", skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// The version which it gave the user; none for events of sessions and requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// Principal did it.
    pub actor: Actor,
    /// W3C trace context of the request that caused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// What else there is to say.
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
    /// The session it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The request it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    /// Why a session ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<EndReason>,
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

    /// The event that a `detail` on the bus is.
    ///
    /// # Errors
    /// Says what of it is not one of ours.
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
    }
}
