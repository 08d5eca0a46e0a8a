//! The use case: every instance is asked for its health.

use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use shared::{
    application::ports::{Clock, ServiceInstances, ServiceRegistry, WebhookSender},
    domain::{Instance, Result, ServiceName, Timestamp, service::FORGOTTEN_AFTER},
};

pub struct CheckServices {
    pub services: Arc<dyn ServiceRegistry>,
    pub instances: Arc<dyn ServiceInstances>,
    pub sender: Arc<dyn WebhookSender>,
    pub clock: Arc<dyn Clock>,
}

/// Instances asked at the same time. Each takes five seconds at most.
const AT_ONCE: usize = 50;

impl CheckServices {
    /// Asks every instance of every service. One that was out of use for a week is forgotten.
    pub async fn execute(&self) -> Result<()> {
        let mut all = Vec::new();
        for service in self.services.list().await? {
            let instances = self.instances.list(&service.name).await?;
            all.extend(
                instances
                    .into_iter()
                    .map(|instance| (service.name.clone(), instance)),
            );
        }
        let checks = all
            .into_iter()
            .map(|(service, instance)| async move { self.check(&service, &instance).await });
        stream::iter(checks)
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn check(&self, service: &ServiceName, instance: &Instance) -> Result<()> {
        let called = self.sender.check(&instance.url).await?;
        let (now, before) = (self.clock.now(), &instance.health);
        let health = if called.outcome.is_success() {
            before.succeeded(called.took, now)
        } else {
            before.failed(now)
        };
        if health.is_usable() != before.is_usable() {
            let (id, healthy) = (&instance.id, health.is_usable());
            tracing::warn!(%service, instance = %id, healthy, outcome = ?called.outcome, "health");
        }
        let is_forgotten = |ejected: Timestamp| ejected.until(now) >= FORGOTTEN_AFTER;
        if health.ejected_at.is_some_and(is_forgotten) {
            return self.instances.remove(service, &instance.id).await;
        }
        self.instances.note_health(service, instance, &health).await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shared::domain::{
        Service,
        service::{EventFilter, Outcome, SecretSalt},
    };
    use testing::FakeBackend;

    use super::*;

    const URL: &str = "https://a.example.com";

    fn checks(backend: &Arc<FakeBackend>) -> CheckServices {
        CheckServices {
            services: backend.clone(),
            instances: backend.clone(),
            sender: backend.clone(),
            clock: backend.clone(),
        }
    }

    fn given(backend: &Arc<FakeBackend>) {
        let metadata = backend.metadata();
        let (filter, salt) = (EventFilter::everything(), SecretSalt::new([1; 16]));
        let name = "profiles".parse().unwrap();
        let (service, _) = Service::register(name, filter, salt, &metadata);
        let id = "a".parse().unwrap();
        let instance = Instance::register(id, URL.parse().unwrap(), 10, metadata.now);
        backend.add_service(&service, &[instance]);
    }

    async fn check(backend: &Arc<FakeBackend>, times: usize) -> Option<Instance> {
        for _ in 0..times {
            backend.advance(Duration::from_mins(1));
            checks(backend).execute().await.unwrap();
        }
        backend.instances().pop()
    }

    #[tokio::test]
    async fn an_instance_goes_after_three_failures_and_comes_back_slowly() {
        let backend = FakeBackend::new();
        given(&backend);
        let healthy = check(&backend, 1).await.unwrap().health;
        assert_eq!((healthy.latency, healthy.failures), (Some(7_000), 0));
        backend.answers(URL, Outcome::Answered(500));
        assert!(check(&backend, 2).await.unwrap().health.is_usable());
        assert!(!check(&backend, 1).await.unwrap().health.is_usable());
        backend.answers(URL, Outcome::Answered(200));
        let back = check(&backend, 1).await.unwrap().health;
        assert_eq!(
            back.share(10, backend.now()),
            100,
            "a tenth of its weight at first"
        );
    }

    #[tokio::test]
    async fn one_that_is_out_of_use_for_a_week_is_forgotten() {
        let backend = FakeBackend::new();
        given(&backend);
        backend.answers(URL, Outcome::Unreachable);
        assert!(check(&backend, 4).await.is_some());
        backend.advance(FORGOTTEN_AFTER);
        assert!(check(&backend, 1).await.is_none());
    }

    #[tokio::test]
    async fn a_check_survives_every_fault() {
        FakeBackend::survives_every_fault(
            async |backend| {
                given(backend);
                backend.answers(URL, Outcome::TimedOut);
            },
            async |backend, ()| checks(backend).execute().await,
            async |backend, ()| backend.instances()[0].health.failures > 0,
        )
        .await;
    }
}
