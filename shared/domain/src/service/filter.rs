//! Which events a service is told of: a pattern, as rules of EventBridge have one.

use std::{fmt, str::FromStr};

use quamina::{Quamina, QuaminaBuilder};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Value, json};

use super::super::{DomainEvent, error::Violation, event::SOURCE};

/// Bytes of a pattern (EventBridge: 4096 for a rule).
const MAX_BYTES: usize = 4096;

/// What matching one pattern may take: a pattern comes from outside.
const MAX_STATES: usize = 4096;

/// A pattern over events as they are on the bus: `source`, `detail-type` and `detail`.
#[derive(Clone, PartialEq, Eq)]
pub struct EventFilter(Value);

impl EventFilter {
    /// Every event.
    pub fn everything() -> Self {
        Self(json!({ "source": [SOURCE] }))
    }

    /// The pattern in `raw`.
    ///
    /// # Errors
    /// If it is none, or asks for too much.
    pub fn parse(raw: &Value) -> Result<Self, Violation> {
        let violation = |why: &str| Violation::new("invalid-filter", why);
        let text = raw.to_string();
        if text.len() > MAX_BYTES {
            return Err(violation("is longer than 4096 bytes"));
        }
        if raw.as_object().is_none_or(serde_json::Map::is_empty) {
            return Err(violation("is not an object with at least one field"));
        }
        match matcher(&text).filter(|_| !has_empty_list(raw)) {
            Some(_) => Ok(Self(raw.clone())),
            None => Err(violation("is not an event pattern as EventBridge has them")),
        }
    }

    /// True if the service is told of `event`. A stored pattern that is none any more matches
    /// everything: an event too many does less harm than one too few.
    pub fn matches(&self, event: &DomainEvent) -> bool {
        let on_the_bus = json!({
            "source": SOURCE,
            "detail-type": event.kind.as_str(),
            "detail": event.to_cloud_event(),
        });
        let Some(matcher) = matcher(&self.0.to_string()) else {
            return true;
        };
        matcher
            .has_matches(on_the_bus.to_string().as_bytes())
            .unwrap_or(true)
    }

    /// The pattern as it was given.
    pub fn as_json(&self) -> &Value {
        &self.0
    }
}

/// The library takes a list without alternatives, which nothing can match; EventBridge does not.
fn has_empty_list(pattern: &Value) -> bool {
    match pattern {
        Value::Array(alternatives) => alternatives.is_empty(),
        Value::Object(fields) => fields.values().any(has_empty_list),
        _ => false,
    }
}

fn matcher(pattern: &str) -> Option<Quamina<()>> {
    let builder = QuaminaBuilder::new().with_max_states_per_pattern(MAX_STATES);
    let mut matcher = builder.build().ok()?;
    matcher.add_pattern((), pattern).ok()?;
    Some(matcher)
}

impl fmt::Debug for EventFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for EventFilter {
    type Err = Violation;

    fn from_str(raw: &str) -> Result<Self, Violation> {
        let value: Result<Value, _> = serde_json::from_str(raw);
        Self::parse(&value.unwrap_or_default())
    }
}

/// Stored as text: what was given comes back unchanged.
impl Serialize for EventFilter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_string())
    }
}

/// Read leniently: a later release may accept less.
impl<'de> Deserialize<'de> for EventFilter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        serde_json::from_str(&text)
            .map(Self)
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Actor, EventId, EventKind, Timestamp, UserId, Version, event::EventData};

    fn event(kind: EventKind) -> DomainEvent {
        let now = Timestamp::from_seconds(1);
        DomainEvent {
            id: EventId::new(now, [1; 10]),
            kind,
            time: now,
            user_id: Some(UserId::new(now, [2; 10])),
            version: Some(Version::FIRST),
            actor: Actor::System,
            traceparent: None,
            data: EventData::changed(&["name"]),
        }
    }

    #[test]
    fn a_pattern_matches_as_on_the_bus() {
        for (pattern, created, updated) in [
            (r#"{"source": ["roster"]}"#, true, true),
            (r#"{"source": ["other"]}"#, false, false),
            (r#"{"detail-type": ["UserCreated"]}"#, true, false),
            (
                r#"{"detail-type": ["UserCreated", "UserDeleted"]}"#,
                true,
                false,
            ),
            (r#"{"detail-type": [{"prefix": "User"}]}"#, true, true),
            (
                r#"{"detail-type": [{"anything-but": ["UserCreated"]}]}"#,
                false,
                true,
            ),
            (r#"{"detail": {"data": {"changed": ["name"]}}}"#, true, true),
            (r#"{"detail": {"version": [1]}}"#, true, true),
            (
                r#"{"detail": {"version": [{"numeric": [">", 1]}]}}"#,
                false,
                false,
            ),
            (
                r#"{"detail": {"traceparent": [{"exists": true}]}}"#,
                false,
                false,
            ),
            (
                r#"{"detail": {"actor": ["system"], "type": ["UserUpdated"]}}"#,
                false,
                true,
            ),
        ] {
            let filter: EventFilter = pattern.parse().unwrap();
            let found = [EventKind::UserCreated, EventKind::UserUpdated]
                .map(|kind| filter.matches(&event(kind)));
            assert_eq!(found, [created, updated], "{pattern}");
            let stored = serde_json::to_value(&filter).unwrap();
            assert_eq!(
                serde_json::from_value::<EventFilter>(stored).unwrap(),
                filter
            );
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        let long = format!(r#"{{"source": ["{}"]}}"#, "a".repeat(MAX_BYTES));
        for pattern in [
            "",
            "{}",
            "[]",
            "null",
            r#""roster""#,
            r#"{"source": "roster"}"#,
            r#"{"source": []}"#,
            r#"{"source": [{"sounds-like": "roster"}]}"#,
            r#"{"detail": {"version": [{"numeric": ["about", 1]}]}}"#,
            &long,
        ] {
            assert!(pattern.parse::<EventFilter>().is_err(), "{pattern}");
        }
    }

    #[test]
    fn everything_is_every_event() {
        for kind in EventKind::ALL {
            assert!(EventFilter::everything().matches(&event(*kind)));
        }
    }
}
