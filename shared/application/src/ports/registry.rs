//! The services that are told of events: who they are, what waits for them, and how they are called.

use std::time::Duration;

use async_trait::async_trait;
use domain::{
    DomainEvent, EventId, EventKind, Instance, InstanceId, Result, Service, ServiceName, Timestamp,
    service::{
        Attempt, Delivery, DeliveryRecord, DeliveryState, Health, InstanceUrl, Outcome,
        SigningSecret,
    },
};

/// Keeps the services.
#[async_trait]
pub trait ServiceRegistry: Send + Sync {
    /// Every service that is registered, by name. Strongly consistent.
    async fn list(&self) -> Result<Vec<Service>>;

    /// The service with this name, if it is registered. Strongly consistent.
    async fn find(&self, name: &ServiceName) -> Result<Option<Service>>;

    /// Writes the next revision of a service together with its event; the first one where no service
    /// of that name is registered. Returns false if another write came first. Idempotent by the event.
    async fn write(&self, service: &Service, event: &DomainEvent) -> Result<bool>;
}

/// Keeps the instances of services.
#[async_trait]
pub trait ServiceInstances: Send + Sync {
    /// The instances of a service, by id. Strongly consistent.
    async fn list(&self, service: &ServiceName) -> Result<Vec<Instance>>;

    /// Writes an instance, in place of the one with its id if there is one.
    async fn put(&self, service: &ServiceName, instance: &Instance) -> Result<()>;

    /// Removes an instance, if it is there.
    async fn remove(&self, service: &ServiceName, id: &InstanceId) -> Result<()>;

    /// Writes the `health` of an instance, unless another result came first or the instance
    /// registered again meanwhile.
    async fn note_health(
        &self,
        service: &ServiceName,
        instance: &Instance,
        health: &Health,
    ) -> Result<()>;
}

/// Where deliveries wait. Each comes at least once.
#[async_trait]
pub trait DeliveryQueue: Send + Sync {
    /// Puts deliveries into the queue. On an error some may be in it.
    async fn send(&self, deliveries: &[Delivery]) -> Result<()>;

    /// Makes a delivery that was taken come again after `pause`.
    async fn put_back(&self, receipt: &str, pause: Duration) -> Result<()>;
}

/// A delivery as the queue hands it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedDelivery {
    pub delivery: Delivery,
    /// What the queue knows this handing out by.
    pub receipt: String,
    /// When it was put into the queue.
    pub queued_at: Timestamp,
    /// How often it was handed out, this time included.
    pub receives: u32,
}

/// What a worker did with a queued delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handled {
    /// It is over.
    Done,
    /// It comes again.
    Later,
}

/// What became of deliveries. Nothing of what was sent or answered.
#[async_trait]
pub trait DeliveryLog: Send + Sync {
    /// Notes the state of a delivery, and an attempt if there was one. A delivery that was noted as
    /// delivered stays so.
    async fn note(
        &self,
        service: &ServiceName,
        event: (EventId, EventKind),
        state: DeliveryState,
        attempt: Option<&Attempt>,
    ) -> Result<()>;

    /// Up to `limit` deliveries to a service, newest events first, before the event `before` if one is
    /// given. A page may have fewer in the `state` that is wanted.
    async fn list(
        &self,
        service: &ServiceName,
        state: Option<DeliveryState>,
        before: Option<EventId>,
        limit: usize,
    ) -> Result<DeliveryPage>;

    /// Keeps the event of a dead delivery, so that it can be sent again.
    async fn keep_dead(&self, delivery: &Delivery, now: Timestamp) -> Result<()>;

    /// Up to `limit` dead deliveries to a service, oldest events first.
    async fn dead(&self, service: &ServiceName, limit: usize) -> Result<Vec<Delivery>>;

    /// Forgets a dead delivery, which was sent again.
    async fn remove_dead(&self, service: &ServiceName, event: EventId) -> Result<()>;
}

/// A page of deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryPage {
    pub records: Vec<DeliveryRecord>,
    /// Before which event the next page begins; none on the last.
    pub next: Option<EventId>,
}

/// Calls instances. Bounded in time and size, without redirections, and only at addresses which the
/// deployment permits.
#[async_trait]
pub trait WebhookSender: Send + Sync {
    /// Sends an event, signed with each of the secrets.
    async fn send(
        &self,
        url: &InstanceUrl,
        event: &DomainEvent,
        secrets: &[SigningSecret],
        now: Timestamp,
    ) -> Result<Called>;

    /// Asks an instance for its health.
    async fn check(&self, url: &InstanceUrl) -> Result<Called>;
}

/// How a call of an instance went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    pub outcome: Outcome,
    pub took: Duration,
}
