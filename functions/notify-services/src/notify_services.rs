//! The use case: an event goes on its way to every service that is told of it.

use std::sync::Arc;

use shared::{
    application::ports::{DeliveryQueue, ServiceRegistry},
    domain::{DomainEvent, Result, service::Delivery},
};

pub struct NotifyServices {
    pub services: Arc<dyn ServiceRegistry>,
    pub queue: Arc<dyn DeliveryQueue>,
}

impl NotifyServices {
    /// Puts the event into the queue for each service whose filter it passes. A repetition puts it there
    /// again; receivers know it by its id.
    pub async fn execute(&self, event: &DomainEvent) -> Result<()> {
        let services = self.services.list().await?.into_iter();
        let deliveries: Vec<_> = services
            .filter(|service| service.filter.matches(event))
            .map(|service| Delivery {
                service: service.name,
                event: event.clone(),
            })
            .collect();
        if deliveries.is_empty() {
            return Ok(());
        }
        self.queue.send(&deliveries).await
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::{
        EventKind, Service,
        event::EventData,
        service::{EventFilter, SecretSalt},
    };
    use testing::FakeBackend;

    use super::*;

    fn observer(backend: &Arc<FakeBackend>) -> NotifyServices {
        NotifyServices {
            services: backend.clone(),
            queue: backend.clone(),
        }
    }

    fn add(backend: &Arc<FakeBackend>, name: &str, filter: EventFilter) -> Service {
        let salt = SecretSalt::new([1; 16]);
        let metadata = backend.metadata();
        let (service, _) = Service::register(name.parse().unwrap(), filter, salt, &metadata);
        backend.add_service(&service, &[]);
        service
    }

    fn event(backend: &Arc<FakeBackend>, kind: EventKind) -> DomainEvent {
        let metadata = backend.metadata();
        DomainEvent {
            id: metadata.event_id,
            kind,
            time: metadata.now,
            user_id: None,
            version: None,
            actor: metadata.origin.actor,
            traceparent: None,
            data: EventData::default(),
        }
    }

    #[tokio::test]
    async fn each_service_is_told_of_what_its_filter_passes() {
        let backend = FakeBackend::new();
        add(&backend, "all", EventFilter::everything());
        let created: EventFilter = r#"{"detail-type": ["UserCreated"]}"#.parse().unwrap();
        add(&backend, "created", created);
        let gone = add(&backend, "gone", EventFilter::everything());
        let (gone, _) = gone.deregister(&backend.metadata());
        backend.add_service(&gone, &[]);
        for kind in [EventKind::UserCreated, EventKind::UserDeleted] {
            let event = event(&backend, kind);
            observer(&backend).execute(&event).await.unwrap();
        }
        let queued = backend.queued().into_iter();
        let queued: Vec<_> = queued
            .map(|delivery| (delivery.service.to_string(), delivery.event.kind))
            .collect();
        assert_eq!(
            queued,
            [
                ("all".to_owned(), EventKind::UserCreated),
                ("created".to_owned(), EventKind::UserCreated),
                ("all".to_owned(), EventKind::UserDeleted),
            ]
        );
    }

    #[tokio::test]
    async fn without_services_nothing_is_sent() {
        let backend = FakeBackend::new();
        let event = event(&backend, EventKind::UserCreated);
        observer(&backend).execute(&event).await.unwrap();
        assert_eq!(backend.trace(), ["services.list"]);
    }

    #[tokio::test]
    async fn an_event_survives_every_fault() {
        FakeBackend::survives_every_fault(
            async |backend| {
                add(backend, "all", EventFilter::everything());
                event(backend, EventKind::UserCreated)
            },
            async |backend, event| observer(backend).execute(event).await,
            async |backend, event| {
                let queued = backend.queued();
                !queued.is_empty() && queued.iter().all(|delivery| delivery.event == *event)
            },
        )
        .await;
    }
}
