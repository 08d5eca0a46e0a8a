//! The caller of a command, and where the command came from.

use std::{fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::UserId;

/// The caller of a command, and where the command came from. The address is personal data: it goes into
/// the private part of an event and into sessions, nowhere else.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The caller.
    pub actor: Actor,
    /// The peer's address as the gateway saw it, never one from a header.
    pub client_ip: Option<IpAddr>,
    /// The peer's `User-Agent`, cut to 256 characters.
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
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::System => f.write_str("system"),
            Self::User(id) => write!(f, "user:{id}"),
        }
    }
}

impl FromStr for Actor {
    type Err = String;

    fn from_str(raw: &str) -> Result<Self, String> {
        match (raw, raw.strip_prefix("user:")) {
            ("anonymous", _) => Ok(Self::Anonymous),
            ("system", _) => Ok(Self::System),
            (_, Some(id)) => id
                .parse()
                .map(Self::User)
                .map_err(|_| "is not an actor".to_owned()),
            _ => Err("is not an actor".to_owned()),
        }
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
