//! The query: one healthy instance of a service.

use std::{sync::Arc, time::Duration};

use shared::{
    application::ports::{Env, ServiceInstances, ServiceRegistry},
    domain::{
        Instance, Refusal, Result, ServiceName,
        service::selection::{self},
    },
};

pub struct DiscoverService {
    pub services: Arc<dyn ServiceRegistry>,
    pub instances: Arc<dyn ServiceInstances>,
    pub env: Env,
}

/// When to ask again: by then the next check may have found one.
const RETRY_AFTER: Duration = Duration::from_secs(30);

impl DiscoverService {
    /// An instance, by power of two choices.
    ///
    /// # Errors
    /// `NotFound` if there is no such service; `NoHealthyInstance`.
    pub async fn execute(&self, name: &ServiceName) -> Result<Instance> {
        let instances = self.instances.list(name).await?;
        let now = self.env.clock.now();
        if let Some(chosen) = selection::choose(&instances, now, self.env.random.numbers()?) {
            return Ok(chosen.clone());
        }
        match self.services.find(name).await? {
            Some(_) => Err(Refusal::NoHealthyInstance(RETRY_AFTER).into()),
            None => Err(Refusal::NotFound.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        domain::{
            Service,
            service::{EventFilter, Health, SecretSalt},
        },
        lambda::http::Access,
    };
    use testing::{Answer, Endpoint, Fixture, SERVICE, TestRequest, json};

    use super::*;
    use crate::handler;

    fn endpoint() -> Endpoint {
        let request = TestRequest::new("GET", "/services/{name}/instance");
        Endpoint::new(handler::ACCESS, handler::handle, |backend| {
            DiscoverService {
                services: backend.clone(),
                instances: backend.clone(),
                env: backend.env(),
            }
        })
        .request(request.parameter("name", SERVICE), 200)
        .given(async |fixture, request| {
            add(fixture, &[("a", Health::default())]);
            request
        })
    }

    fn add(fixture: &Fixture, instances: &[(&str, Health)]) {
        let metadata = fixture.backend.metadata();
        let (filter, salt) = (EventFilter::everything(), SecretSalt::new([1; 16]));
        let name = SERVICE.parse().unwrap();
        let (service, _) = Service::register(name, filter, salt, &metadata);
        let instances = instances.iter().map(|(id, health)| {
            let url = format!("https://{id}.example.com").parse().unwrap();
            let instance = Instance::register(id.parse().unwrap(), url, 10, metadata.now);
            Instance {
                health: health.clone(),
                ..instance
            }
        });
        let instances: Vec<_> = instances.collect();
        fixture.backend.add_service(&service, &instances);
    }

    async fn discover(fixture: &Fixture, service: &str) -> Answer {
        let request = TestRequest::new("GET", "/services/{name}/instance");
        let request = request
            .parameter("name", service)
            .bearer(&fixture.admin.token);
        endpoint().answer(&fixture.backend, request).await
    }

    #[tokio::test]
    async fn administrators_and_services_may() {
        endpoint().admits(Access::SERVICE_OR_ADMIN).await;
    }

    #[tokio::test]
    async fn an_instance_out_of_use_is_never_given() {
        let fixture = Fixture::new().await;
        let now = fixture.backend.metadata().now;
        let out = Health::default().failed(now).failed(now).failed(now);
        add(
            &fixture,
            &[
                ("a", out.clone()),
                ("b", Health::default()),
                ("c", out.clone()),
            ],
        );
        for _ in 0..20 {
            let answer = discover(&fixture, SERVICE).await;
            let expected = json!({"service": SERVICE, "id": "b", "url": "https://b.example.com/"});
            assert_eq!(answer.body, expected);
        }
        add(&fixture, &[("b", out)]);
        let answer = discover(&fixture, SERVICE).await;
        assert_eq!(answer.problem(), (503, "no-healthy-instance"));
        assert_eq!(answer.header("retry-after"), Some("30"));
    }

    #[tokio::test]
    async fn without_instances_there_is_none_and_without_a_service_nothing() {
        let fixture = Fixture::new().await;
        add(&fixture, &[]);
        let answer = discover(&fixture, SERVICE).await;
        assert_eq!(answer.problem(), (503, "no-healthy-instance"));
        assert_eq!(
            discover(&fixture, "other").await.problem(),
            (404, "not-found")
        );
    }
}
