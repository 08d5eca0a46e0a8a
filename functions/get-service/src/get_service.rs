//! The query: a service with its instances.

use std::sync::Arc;

use shared::{
    application::ports::{ServiceInstances, ServiceRegistry},
    domain::{Instance, Refusal, Result, Service, ServiceName},
};

pub struct GetService {
    pub services: Arc<dyn ServiceRegistry>,
    pub instances: Arc<dyn ServiceInstances>,
}

impl GetService {
    /// The service and its instances, by id.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn execute(&self, name: &ServiceName) -> Result<(Service, Vec<Instance>)> {
        let service = self.services.find(name).await?;
        let service = service.ok_or(Refusal::NotFound)?;
        let instances = self.instances.list(name).await?;
        Ok((service, instances))
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        domain::service::{EventFilter, SecretSalt},
        lambda::http::Access,
    };
    use testing::{Endpoint, Fixture, TestRequest, json};

    use super::*;
    use crate::handler;

    fn endpoint() -> Endpoint {
        let request = TestRequest::new("GET", "/services/{name}").parameter("name", "profiles");
        Endpoint::new(handler::ACCESS, handler::handle, |backend| GetService {
            services: backend.clone(),
            instances: backend.clone(),
        })
        .request(request, 200)
        .given(async |fixture, request| {
            let metadata = fixture.backend.metadata();
            let (filter, salt) = (EventFilter::everything(), SecretSalt::new([1; 16]));
            let name = "profiles".parse().unwrap();
            let (service, _) = Service::register(name, filter, salt, &metadata);
            let instances = ["a", "b"].map(|id| {
                let url = format!("https://{id}.example.com").parse().unwrap();
                let mut instance = Instance::register(id.parse().unwrap(), url, 10, metadata.now);
                if id == "b" {
                    for _ in 0..3 {
                        instance.health = instance.health.failed(metadata.now);
                    }
                }
                instance
            });
            fixture.backend.add_service(&service, &instances);
            request
        })
    }

    #[tokio::test]
    async fn administrators_may() {
        endpoint().admits(Access::ADMIN).await;
    }

    #[tokio::test]
    async fn a_service_is_shown_with_the_health_of_its_instances() {
        let fixture = Fixture::new().await;
        let answer = endpoint().send(&fixture).await;
        let now = fixture.backend.service("profiles").unwrap().created_at;
        let healthy = json!({
            "id": "a", "url": "https://a.example.com/", "weight": 10, "registeredAt": now,
            "healthy": true, "failures": 0, "ejectedAt": null, "latencyMillis": null,
        });
        assert_eq!(answer.body["instances"][0], healthy);
        assert_eq!(answer.body["instances"][1]["healthy"], false);
        assert_eq!(answer.body["instances"][1]["ejectedAt"], json!(now));
        let other = TestRequest::new("GET", "/services/{name}").parameter("name", "other");
        let other = other.bearer(&fixture.admin.token);
        let answer = endpoint().answer(&fixture.backend, other).await;
        assert_eq!(answer.problem(), (404, "not-found"));
    }
}
