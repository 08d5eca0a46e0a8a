//! Services and their instances.

use domain::{Actor, Instance, InstanceId, Service, ServiceName, Timestamp, service::Weight};
use serde::Serialize;
use serde_json::Value;

/// A service as administrators see it, without its secrets.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceBody<'a> {
    name: &'a ServiceName,
    filter: &'a Value,
    created_at: Timestamp,
    created_by: Actor,
    updated_at: Timestamp,
    /// Until when the secret before signs too, by the clock of whoever reads this.
    previous_secret_until: Option<Timestamp>,
}

impl<'a> ServiceBody<'a> {
    pub fn new(service: &'a Service) -> Self {
        Self {
            name: &service.name,
            filter: service.filter.as_json(),
            created_at: service.created_at,
            created_by: service.created_by,
            updated_at: service.updated_at,
            previous_secret_until: service.previous.as_ref().map(|previous| previous.until),
        }
    }
}

/// An instance with its health.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceBody<'a> {
    id: &'a InstanceId,
    url: &'a str,
    weight: Weight,
    registered_at: Timestamp,
    healthy: bool,
    failures: u32,
    ejected_at: Option<Timestamp>,
    latency_millis: Option<u64>,
}

impl<'a> InstanceBody<'a> {
    pub fn new(instance: &'a Instance) -> Self {
        let health = &instance.health;
        Self {
            id: &instance.id,
            url: instance.url.as_str(),
            weight: instance.weight,
            registered_at: instance.registered_at,
            healthy: health.is_usable(),
            failures: health.failures,
            ejected_at: health.ejected_at,
            latency_millis: health.latency.map(|micros| micros / 1000),
        }
    }
}
