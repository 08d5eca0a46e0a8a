//! The services of a [`FakeBackend`], what waits for them, and how they answer.

use std::{collections::BTreeMap, time::Duration};

use application::ports::{
    Called, DeliveryLog, DeliveryPage, DeliveryQueue, ServiceInstances, ServiceRegistry,
    WebhookSender,
};
use async_trait::async_trait;
use domain::{
    DomainEvent, EventId, EventKind, Instance, InstanceId, Result, Service, ServiceName, Timestamp,
    service::{
        Attempt, Delivery, DeliveryRecord, DeliveryState, Health, InstanceUrl, Outcome,
        SigningSecret,
    },
};

use super::{FakeBackend, lock};

/// What a [`FakeBackend`] knows of services.
#[derive(Debug, Clone, Default)]
pub(super) struct Registry {
    services: BTreeMap<ServiceName, (Service, EventId)>,
    instances: BTreeMap<(ServiceName, InstanceId), Instance>,
    queued: Vec<Delivery>,
    put_back: Vec<(String, Duration)>,
    records: BTreeMap<(ServiceName, EventId), DeliveryRecord>,
    dead: BTreeMap<(ServiceName, EventId), Delivery>,
    outcomes: BTreeMap<String, Outcome>,
    sent: Vec<Sent>,
}

/// A webhook as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub url: String,
    pub event: EventId,
    /// The secrets that signed it.
    pub secrets: Vec<String>,
}

impl FakeBackend {
    /// From now on, whatever is called at `url` answers so. Others answer 204.
    pub fn answers(&self, url: &str, outcome: Outcome) {
        let url: InstanceUrl = url.parse().expect("a URL");
        let outcomes = &mut lock(&self.state).registry.outcomes;
        outcomes.insert(url.as_str().to_owned(), outcome);
    }

    /// Puts a service and its instances there, without a call.
    pub fn add_service(&self, service: &Service, instances: &[Instance]) {
        let registry = &mut lock(&self.state).registry;
        let id = EventId::new(service.created_at, [0; 10]);
        let name = &service.name;
        registry
            .services
            .insert(name.clone(), (service.clone(), id));
        for instance in instances {
            let id = (name.clone(), instance.id.clone());
            registry.instances.insert(id, instance.clone());
        }
    }

    /// The service with this name, also if it was deregistered.
    pub fn service(&self, name: &str) -> Option<Service> {
        let name: ServiceName = name.parse().ok()?;
        let registry = &lock(&self.state).registry;
        registry
            .services
            .get(&name)
            .map(|(service, _)| service.clone())
    }

    /// Every instance, by service and id.
    pub fn instances(&self) -> Vec<Instance> {
        let registry = &lock(&self.state).registry;
        registry.instances.values().cloned().collect()
    }

    /// What was put into the queue, in order.
    pub fn queued(&self) -> Vec<Delivery> {
        self.queued_from(0)
    }

    /// The same but for the first `skip`.
    pub fn queued_from(&self, skip: usize) -> Vec<Delivery> {
        lock(&self.state).registry.queued[skip..].to_vec()
    }

    /// What was put back, in order: receipts and pauses.
    pub fn put_back(&self) -> Vec<(String, Duration)> {
        lock(&self.state).registry.put_back.clone()
    }

    /// Every record of a delivery.
    pub fn delivery_records(&self) -> Vec<DeliveryRecord> {
        let registry = &lock(&self.state).registry;
        registry.records.values().cloned().collect()
    }

    /// The dead deliveries.
    pub fn dead_deliveries(&self) -> Vec<Delivery> {
        lock(&self.state).registry.dead.values().cloned().collect()
    }

    /// What was sent to instances, in order.
    pub fn webhooks(&self) -> Vec<Sent> {
        lock(&self.state).registry.sent.clone()
    }
}

#[async_trait]
impl ServiceRegistry for FakeBackend {
    async fn list(&self) -> Result<Vec<Service>> {
        self.call("services.list", |state| {
            let services = state.registry.services.values();
            let live = services.filter(|(service, _)| service.removed_at.is_none());
            Ok(live.map(|(service, _)| service.clone()).collect())
        })
        .await
    }

    async fn find(&self, name: &ServiceName) -> Result<Option<Service>> {
        self.call("services.find", |state| {
            let found = state.registry.services.get(name);
            let live = found.filter(|(service, _)| service.removed_at.is_none());
            Ok(live.map(|(service, _)| service.clone()))
        })
        .await
    }

    async fn write(&self, service: &Service, event: &DomainEvent) -> Result<bool> {
        self.call("services.write", |state| {
            let there = state.registry.services.get(&service.name);
            let is_next = match there {
                Some((_, known)) if *known == event.id => return Ok(true),
                Some((there, _)) if there.removed_at.is_none() => {
                    service.revision == there.revision + 1
                }
                _ => service.revision == 1,
            };
            if is_next {
                let entry = (service.clone(), event.id);
                state.registry.services.insert(service.name.clone(), entry);
                state.remember(event);
            }
            Ok(is_next)
        })
        .await
    }
}

#[async_trait]
impl ServiceInstances for FakeBackend {
    async fn list(&self, service: &ServiceName) -> Result<Vec<Instance>> {
        self.call("instances.list", |state| {
            let all = state.registry.instances.iter();
            let own = all.filter(|((of, _), _)| of == service);
            Ok(own.map(|(_, instance)| instance.clone()).collect())
        })
        .await
    }

    async fn put(&self, service: &ServiceName, instance: &Instance) -> Result<()> {
        self.call("instances.put", |state| {
            let id = (service.clone(), instance.id.clone());
            state.registry.instances.insert(id, instance.clone());
            Ok(())
        })
        .await
    }

    async fn remove(&self, service: &ServiceName, id: &InstanceId) -> Result<()> {
        self.call("instances.remove", |state| {
            let id = (service.clone(), id.clone());
            state.registry.instances.remove(&id);
            Ok(())
        })
        .await
    }

    async fn note_health(
        &self,
        service: &ServiceName,
        instance: &Instance,
        health: &Health,
    ) -> Result<()> {
        self.call("instances.note_health", |state| {
            let id = (service.clone(), instance.id.clone());
            if let Some(there) = state.registry.instances.get_mut(&id)
                && there.registered_at == instance.registered_at
                && there.health.revision == instance.health.revision
            {
                there.health = health.clone();
            }
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl DeliveryQueue for FakeBackend {
    async fn send(&self, deliveries: &[Delivery]) -> Result<()> {
        self.call("queue.send", |state| {
            state.registry.queued.extend_from_slice(deliveries);
            Ok(())
        })
        .await
    }

    async fn put_back(&self, receipt: &str, pause: Duration) -> Result<()> {
        self.call("queue.put_back", |state| {
            state.registry.put_back.push((receipt.to_owned(), pause));
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl DeliveryLog for FakeBackend {
    async fn note(
        &self,
        service: &ServiceName,
        (event, kind): (EventId, EventKind),
        state: DeliveryState,
        attempt: Option<&Attempt>,
    ) -> Result<()> {
        self.call("deliveries.note", |backend| {
            let records = &mut backend.registry.records;
            let id = (service.clone(), event);
            let record = records.entry(id).or_insert_with(|| DeliveryRecord {
                event_id: event,
                kind,
                state: DeliveryState::Waiting,
                attempts: Vec::new(),
            });
            if record.state != DeliveryState::Delivered {
                record.state = state;
                record.attempts.extend(attempt.cloned());
            }
            Ok(())
        })
        .await
    }

    async fn list(
        &self,
        service: &ServiceName,
        state: Option<DeliveryState>,
        before: Option<EventId>,
        limit: usize,
    ) -> Result<DeliveryPage> {
        self.call("deliveries.list", |backend| {
            let records = backend.registry.records.iter().rev();
            let own = records.filter(|((of, event), _)| {
                of == service && before.is_none_or(|before| *event < before)
            });
            let read: Vec<_> = own.map(|(_, record)| record).take(limit).collect();
            let is_full = read.len() == limit;
            let next = read.last().map(|record| record.event_id);
            let wanted = |record: &&DeliveryRecord| state.is_none_or(|state| record.state == state);
            Ok(DeliveryPage {
                next: next.filter(|_| is_full),
                records: read.into_iter().filter(wanted).cloned().collect(),
            })
        })
        .await
    }

    async fn keep_dead(&self, delivery: &Delivery, _: Timestamp) -> Result<()> {
        self.call("deliveries.keep_dead", |state| {
            let id = (delivery.service.clone(), delivery.event.id);
            state.registry.dead.insert(id, delivery.clone());
            Ok(())
        })
        .await
    }

    async fn dead(&self, service: &ServiceName, limit: usize) -> Result<Vec<Delivery>> {
        self.call("deliveries.dead", |state| {
            let all = state.registry.dead.iter();
            let own = all.filter(|((of, _), _)| of == service);
            Ok(own
                .map(|(_, delivery)| delivery.clone())
                .take(limit)
                .collect())
        })
        .await
    }

    async fn remove_dead(&self, service: &ServiceName, event: EventId) -> Result<()> {
        self.call("deliveries.remove_dead", |state| {
            state.registry.dead.remove(&(service.clone(), event));
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl WebhookSender for FakeBackend {
    async fn send(
        &self,
        url: &InstanceUrl,
        event: &DomainEvent,
        secrets: &[SigningSecret],
        _: Timestamp,
    ) -> Result<Called> {
        self.call("webhooks.send", |state| {
            let secrets = secrets.iter().map(|secret| secret.expose().to_owned());
            state.registry.sent.push(Sent {
                url: url.as_str().to_owned(),
                event: event.id,
                secrets: secrets.collect(),
            });
            Ok(state.registry.called(url))
        })
        .await
    }

    async fn check(&self, url: &InstanceUrl) -> Result<Called> {
        self.call("webhooks.check", |state| Ok(state.registry.called(url)))
            .await
    }
}

impl Registry {
    fn called(&self, url: &InstanceUrl) -> Called {
        let outcome = self.outcomes.get(url.as_str()).cloned();
        Called {
            outcome: outcome.unwrap_or(Outcome::Answered(204)),
            took: Duration::from_millis(7),
        }
    }
}
