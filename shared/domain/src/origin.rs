//! The caller of a command, and where the command came from.

use std::{fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{ApiKeyId, UserId};

/// The caller of a command, and where the command came from. The address is personal data: it goes into
/// the private part of an event and into sessions, nowhere else.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The caller.
    pub actor: Actor,
    /// The peer's address as the gateway saw it, or the one that a trusted proxy named.
    pub client_ip: Option<IpAddr>,
    /// The client's `User-Agent`, which a proxy hands on as it came, cut to 256 characters.
    pub user_agent: Option<String>,
    /// The id of the request, as in the answer and the logs.
    pub request_id: String,
    /// W3C trace context of the request, if it had one.
    pub traceparent: Option<String>,
}

impl Origin {
    /// The origin of a command which Roster gives itself, because of the event or request
    /// `request_id`.
    pub fn system(request_id: impl fmt::Display) -> Self {
        Self {
            actor: Actor::System,
            client_ip: None,
            user_agent: None,
            request_id: request_id.to_string(),
            traceparent: None,
        }
    }
}

/// The caller of a command, as events name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// A caller without an access token.
    Anonymous,
    /// Roster, or its operator by a command.
    System,
    /// A signed-in user.
    User(UserId),
    /// A machine with an API key.
    ApiKey(ApiKeyId),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::System => f.write_str("system"),
            Self::User(id) => write!(f, "user:{id}"),
            Self::ApiKey(id) => write!(f, "api-key:{id}"),
        }
    }
}

impl FromStr for Actor {
    type Err = String;

    fn from_str(raw: &str) -> Result<Self, String> {
        let actor = match raw.split_once(':') {
            None if raw == "anonymous" => Some(Self::Anonymous),
            None if raw == "system" => Some(Self::System),
            Some(("user", id)) => id.parse().map(Self::User).ok(),
            Some(("api-key", id)) => id.parse().map(Self::ApiKey).ok(),
            _ => None,
        };
        actor.ok_or_else(|| "is not an actor".to_owned())
    }
}

impl Serialize for Actor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Actor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    #[test]
    fn an_actor_is_its_text() {
        let now = Timestamp::from_seconds(1);
        for actor in [
            Actor::Anonymous,
            Actor::System,
            Actor::User(UserId::new(now, [1; 10])),
            Actor::ApiKey(ApiKeyId::new(now, [1; 10])),
        ] {
            assert_eq!(actor.to_string().parse(), Ok(actor));
        }
        for raw in ["", "user", "user:", "api-key:1", "system:", "key:x"] {
            assert!(raw.parse::<Actor>().is_err(), "{raw}");
        }
    }
}
