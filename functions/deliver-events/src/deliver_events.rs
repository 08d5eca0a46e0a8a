//! The use case: an event is sent to a service.

use std::{sync::Arc, time::Duration};

use shared::{
    application::{
        ports::{
            Called, DeliveryLog, DeliveryQueue, Env, Handled, QueuedDelivery, ServiceInstances,
            ServiceRegistry, WebhookSender,
        },
        webhook_secrets::WebhookSecrets,
    },
    domain::{
        EventId, EventKind, Instance, Result, Service, ServiceName,
        service::{Attempt, DeliveryState, delivery, selection},
    },
};

pub struct DeliverEvents {
    pub services: Arc<dyn ServiceRegistry>,
    pub instances: Arc<dyn ServiceInstances>,
    pub log: Arc<dyn DeliveryLog>,
    pub queue: Arc<dyn DeliveryQueue>,
    pub sender: Arc<dyn WebhookSender>,
    pub secrets: WebhookSecrets,
    pub env: Env,
}

impl DeliverEvents {
    /// Sends the event to one healthy instance. If that fails, or there is none, it waits: longer each
    /// time, for a day, and then it is dead. A worker that dies leaves it in the queue, so an event may
    /// come twice; receivers know it by its id.
    pub async fn execute(&self, queued: &QueuedDelivery) -> Result<Handled> {
        let name = &queued.delivery.service;
        let Some(service) = self.services.find(name).await? else {
            tracing::info!(service = %name, "a delivery is dropped: its service was deregistered");
            return Ok(Handled::Done);
        };
        let instances = self.instances.list(name).await?;
        let (now, random) = (self.env.clock.now(), self.env.random.numbers()?);
        let age = queued.queued_at.until(now);
        let Some(instance) = selection::choose(&instances, now, random) else {
            return self.wait(queued, age).await;
        };
        if self.send(&service, instance, queued).await? {
            return Ok(Handled::Done);
        }
        if age >= delivery::GIVE_UP {
            return self.give_up(queued).await;
        }
        let [jitter] = self.env.random.bytes()?;
        let pause = delivery::pause_after_failure(age, jitter);
        self.queue.put_back(&queued.receipt, pause).await?;
        Ok(Handled::Later)
    }

    /// No instance is usable: no attempt is made, and none is noted but that it waits.
    async fn wait(&self, queued: &QueuedDelivery, age: Duration) -> Result<Handled> {
        if age >= delivery::GIVE_UP {
            return self.give_up(queued).await;
        }
        if queued.receives == 1 {
            self.note(queued, DeliveryState::Waiting, None).await?;
        }
        let pause = delivery::pause_without_instance(age);
        self.queue.put_back(&queued.receipt, pause).await?;
        Ok(Handled::Later)
    }

    /// One attempt. Returns true if the instance took it.
    async fn send(
        &self,
        service: &Service,
        instance: &Instance,
        queued: &QueuedDelivery,
    ) -> Result<bool> {
        let (now, event) = (self.env.clock.now(), &queued.delivery.event);
        let secrets = self.secrets.of(service, now).await?;
        let Called { outcome, took } = self
            .sender
            .send(&instance.url, event, &secrets, now)
            .await?;
        let is_taken = outcome.is_success();
        let is_alive = outcome.is_alive();
        let attempt = Attempt {
            at: now,
            instance: instance.id.clone(),
            outcome,
            millis: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        };
        tracing::info!(
            service = %service.name, event_id = %event.id, instance = %attempt.instance,
            outcome = ?attempt.outcome, millis = attempt.millis, "attempt"
        );
        let state = if is_taken {
            DeliveryState::Delivered
        } else {
            DeliveryState::Waiting
        };
        self.note(queued, state, Some(&attempt)).await?;
        self.note_health(&service.name, instance, is_alive, took)
            .await?;
        Ok(is_taken)
    }

    /// A success changes what is known of an instance only if it failed before: so deliveries that go
    /// well write nothing here.
    async fn note_health(
        &self,
        service: &ServiceName,
        instance: &Instance,
        is_alive: bool,
        took: Duration,
    ) -> Result<()> {
        let (before, now) = (&instance.health, self.env.clock.now());
        let health = match is_alive {
            true if before.failures == 0 => return Ok(()),
            true => before.succeeded(took, now),
            false => before.failed(now),
        };
        self.instances.note_health(service, instance, &health).await
    }

    /// Keeps the event, so that it can be sent again, and ends the delivery.
    async fn give_up(&self, queued: &QueuedDelivery) -> Result<Handled> {
        let delivery = &queued.delivery;
        self.log.keep_dead(delivery, self.env.clock.now()).await?;
        self.note(queued, DeliveryState::Dead, None).await?;
        tracing::warn!(
            metric = "DeadDelivery",
            service = %delivery.service,
            event_id = %delivery.event.id,
            "a delivery is dead"
        );
        Ok(Handled::Done)
    }

    async fn note(
        &self,
        queued: &QueuedDelivery,
        state: DeliveryState,
        attempt: Option<&Attempt>,
    ) -> Result<()> {
        let delivery = &queued.delivery;
        let event: (EventId, EventKind) = (delivery.event.id, delivery.event.kind);
        self.log
            .note(&delivery.service, event, state, attempt)
            .await
    }
}

#[cfg(test)]
mod tests;
