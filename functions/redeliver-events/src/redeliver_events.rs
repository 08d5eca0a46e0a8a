//! The use case: dead deliveries are sent again.

use std::sync::Arc;

use shared::{
    application::ports::{DeliveryLog, DeliveryQueue, ServiceRegistry},
    domain::{Refusal, Result, ServiceName, service::DeliveryState},
};

pub struct RedeliverEvents {
    pub services: Arc<dyn ServiceRegistry>,
    pub log: Arc<dyn DeliveryLog>,
    pub queue: Arc<dyn DeliveryQueue>,
}

/// Deliveries sent by one call: what fits into its time.
const AT_ONCE: usize = 100;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redelivered {
    pub sent: usize,
    /// True if there may be more.
    pub more: bool,
}

impl RedeliverEvents {
    /// Puts dead deliveries back into the queue, those of the oldest events first: each has another day.
    /// A repetition may send some twice, which receivers know by the id.
    ///
    /// # Errors
    /// `NotFound` if there is no such service.
    pub async fn execute(&self, name: &ServiceName) -> Result<Redelivered> {
        let service = self.services.find(name).await?;
        service.ok_or(Refusal::NotFound)?;
        let dead = self.log.dead(name, AT_ONCE).await?;
        if !dead.is_empty() {
            self.queue.send(&dead).await?;
        }
        for delivery in &dead {
            let event = &delivery.event;
            let what = (event.id, event.kind);
            self.log
                .note(name, what, DeliveryState::Waiting, None)
                .await?;
            self.log.remove_dead(name, event.id).await?;
        }
        Ok(Redelivered {
            sent: dead.len(),
            more: dead.len() == AT_ONCE,
        })
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        application::ports::ServiceInstances,
        domain::{
            EventKind, Service,
            service::{Delivery, EventFilter, SecretSalt},
        },
        lambda::http::Access,
    };
    use testing::{Endpoint, Fixture, TestRequest, json};

    use super::*;
    use crate::handler;

    fn endpoint() -> Endpoint {
        let request = TestRequest::new("POST", "/services/{name}/deliveries/redeliver");
        Endpoint::new(handler::ACCESS, handler::handle, |backend| {
            RedeliverEvents {
                services: backend.clone(),
                log: backend.clone(),
                queue: backend.clone(),
            }
        })
        .request(request.parameter("name", "profiles"), 202)
        .events(0..=0)
        .given(async |fixture, request| {
            let metadata = fixture.backend.metadata();
            let (filter, salt) = (EventFilter::everything(), SecretSalt::new([1; 16]));
            let name = "profiles".parse().unwrap();
            let (service, _) = Service::register(name, filter, salt, &metadata);
            fixture.backend.add_service(&service, &[]);
            for event in fixture.backend.outbox().into_iter().take(2) {
                let log: &dyn DeliveryLog = &*fixture.backend;
                let what = (event.id, event.kind);
                let name = &service.name;
                log.note(name, what, DeliveryState::Dead, None)
                    .await
                    .unwrap();
                let delivery = Delivery {
                    service: name.clone(),
                    event,
                };
                log.keep_dead(&delivery, metadata.now).await.unwrap();
            }
            request
        })
    }

    #[tokio::test]
    async fn administrators_may() {
        endpoint().admits(Access::ADMIN.recent()).await;
    }

    /// Nothing that was dead is lost, whatever fails.
    #[tokio::test]
    async fn all_are_in_the_queue_whatever_fails() {
        let is_done = async |fixture: &Fixture| {
            let queued = fixture.backend.queued();
            let events = fixture.backend.outbox().into_iter().take(2);
            let all_are_queued = events
                .map(|event| event.id)
                .all(|id| queued.iter().any(|delivery| delivery.event.id == id));
            all_are_queued && fixture.backend.dead_deliveries().is_empty()
        };
        endpoint().survives_every_fault(is_done).await;
    }

    #[tokio::test]
    async fn the_answer_says_how_many() {
        let fixture = Fixture::new().await;
        let answer = endpoint().send(&fixture).await;
        assert_eq!(answer.body, json!({"sent": 2, "more": false}));
        let records = fixture.backend.delivery_records();
        assert!(
            records
                .iter()
                .all(|record| record.state == DeliveryState::Waiting)
        );
        assert!(
            records
                .iter()
                .all(|record| record.kind != EventKind::UserDeleted)
        );
        let instances: &dyn ServiceInstances = &*fixture.backend;
        assert!(
            instances
                .list(&"profiles".parse().unwrap())
                .await
                .unwrap()
                .is_empty()
        );
    }
}
