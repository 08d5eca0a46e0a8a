//! Services which other teams run: what they are told, and which of their instances is told it.

pub mod address;
pub mod delivery;
pub mod filter;
pub mod health;
pub mod secret;
pub mod selection;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::{
    address::{InstanceUrl, Networks},
    delivery::{Attempt, Delivery, DeliveryRecord, DeliveryState, Outcome},
    filter::EventFilter,
    health::Health,
    secret::{PreviousSalt, SecretSalt, SigningSecret},
};
pub use super::word::{InstanceId, ServiceName};
use super::{
    Actor, DomainEvent, EventKind, Timestamp,
    event::{EventData, EventMetadata},
};

/// Instances which a service may have: each is asked for its health once a minute.
pub const MAX_INSTANCES: usize = 20;

/// The longest time for which an instance is out of use before it is forgotten.
pub const FORGOTTEN_AFTER: Duration = Duration::from_hours(7 * 24);

/// A service that is told of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    pub name: ServiceName,
    /// Which events it is told of.
    pub filter: EventFilter,
    /// What makes its signing secret.
    pub salt: SecretSalt,
    /// What made the secret before, which signs too for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<PreviousSalt>,
    pub created_at: Timestamp,
    pub created_by: Actor,
    pub updated_at: Timestamp,
    /// Counts the writes, from 1.
    pub revision: u64,
    /// None unless it was deregistered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<Timestamp>,
}

impl Service {
    /// A new service, with its event.
    pub fn register(
        name: ServiceName,
        filter: EventFilter,
        salt: SecretSalt,
        metadata: &EventMetadata,
    ) -> (Self, DomainEvent) {
        let service = Self {
            name,
            filter,
            salt,
            previous: None,
            created_at: metadata.now,
            created_by: metadata.origin.actor,
            updated_at: metadata.now,
            revision: 1,
            removed_at: None,
        };
        let event = service.event(EventKind::ServiceRegistered, metadata);
        (service, event)
    }

    /// The service with another filter, and its event; none if it has this one.
    pub fn change_filter(
        self,
        filter: EventFilter,
        metadata: &EventMetadata,
    ) -> Option<(Self, DomainEvent)> {
        (self.filter != filter).then(|| {
            let next = Self {
                filter,
                ..self.next(metadata)
            };
            let event = next.event(EventKind::ServiceRegistered, metadata);
            (next, event)
        })
    }

    /// The service with another secret, and its event. The one it had signs too for
    /// [`secret::OVERLAP`]. A rotation within that time replaces only the newer secret: the answer
    /// which showed that one may have got lost, and the older is what the service knows for sure.
    pub fn rotate_secret(self, salt: SecretSalt, metadata: &EventMetadata) -> (Self, DomainEvent) {
        let until = metadata.now.plus(secret::OVERLAP);
        let known = self.previous_at(metadata.now).unwrap_or(&self.salt).clone();
        let next = Self {
            salt,
            previous: Some(PreviousSalt { salt: known, until }),
            ..self.next(metadata)
        };
        let event = next.event(EventKind::ServiceSecretRotated, metadata);
        (next, event)
    }

    /// The service, which is told of nothing any more, and its event.
    pub fn deregister(self, metadata: &EventMetadata) -> (Self, DomainEvent) {
        let next = Self {
            removed_at: Some(metadata.now),
            ..self.next(metadata)
        };
        let event = next.event(EventKind::ServiceDeregistered, metadata);
        (next, event)
    }

    /// The salts of the secrets that sign at `now`, the newest first.
    pub fn salts(&self, now: Timestamp) -> Vec<&SecretSalt> {
        let previous = self.previous_at(now);
        std::iter::once(&self.salt).chain(previous).collect()
    }

    fn previous_at(&self, now: Timestamp) -> Option<&SecretSalt> {
        let previous = self.previous.as_ref();
        let live = previous.filter(|previous| previous.until > now);
        live.map(|previous| &previous.salt)
    }

    fn next(self, metadata: &EventMetadata) -> Self {
        Self {
            revision: self.revision + 1,
            updated_at: Timestamp::after(metadata.now, self.updated_at),
            ..self
        }
    }

    fn event(&self, kind: EventKind, metadata: &EventMetadata) -> DomainEvent {
        let data = EventData {
            service: Some(self.name.clone()),
            ..EventData::default()
        };
        metadata.event(kind, data)
    }
}

/// How much of its service's work an instance takes, compared with the others: 1 to 100.
pub type Weight = u16;

/// A process of a service, which can be called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    pub id: InstanceId,
    pub url: InstanceUrl,
    pub weight: Weight,
    /// When it said that it is there.
    pub registered_at: Timestamp,
    pub health: Health,
}

impl Instance {
    /// An instance that says it is there. It counts as healthy until it fails.
    pub fn register(id: InstanceId, url: InstanceUrl, weight: Weight, now: Timestamp) -> Self {
        Self {
            id,
            url,
            weight,
            registered_at: now,
            health: Health::default(),
        }
    }
}

#[cfg(test)]
mod tests;
