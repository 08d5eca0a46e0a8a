//! The use case: an instance of a service says that it is there.

use std::sync::Arc;

use shared::{
    application::ports::{Clock, ServiceInstances, ServiceRegistry},
    domain::{
        Error, Instance, InstanceId, Refusal, Result, ServiceName,
        service::{InstanceUrl, MAX_INSTANCES, Networks, Weight},
    },
};

pub struct RegisterInstance {
    pub services: Arc<dyn ServiceRegistry>,
    pub instances: Arc<dyn ServiceInstances>,
    /// Networks that are not public, where instances may be all the same.
    pub networks: Networks,
    pub clock: Arc<dyn Clock>,
}

/// The instance to be registered.
#[derive(Debug)]
pub struct Command {
    pub service: ServiceName,
    pub id: InstanceId,
    pub url: InstanceUrl,
    pub weight: Weight,
}

impl RegisterInstance {
    /// Registers the instance, in place of the one with its id. It counts as healthy from now on,
    /// whatever was known of it: so one that starts again gets what waited at once.
    ///
    /// # Errors
    /// `Invalid` if the URL names an address which is not called; `NotFound` if there is no such
    /// service; `TooManyInstances`.
    pub async fn execute(&self, command: Command) -> Result<Instance> {
        let checked = command.url.check(&self.networks);
        checked.map_err(|violation| Error::from(violation.at("/url")))?;
        let service = self.services.find(&command.service).await?;
        service.ok_or(Refusal::NotFound)?;
        let mut others = self.instances.list(&command.service).await?;
        others.retain(|other| other.id != command.id);
        if others.len() >= MAX_INSTANCES {
            return Err(Refusal::TooManyInstances.into());
        }
        let now = self.clock.now();
        let instance = Instance::register(command.id, command.url, command.weight, now);
        self.instances.put(&command.service, &instance).await?;
        Ok(instance)
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        domain::{
            Service,
            service::{EventFilter, SecretSalt},
        },
        lambda::http::Access,
    };
    use testing::{Answer, Endpoint, Fixture, Principal, SERVICE, TestRequest, Value, json};

    use super::*;
    use crate::handler;

    fn request(service: &str, instance: &str, body: &Value) -> TestRequest {
        TestRequest::new("PUT", "/services/{name}/instances/{instance}")
            .parameter("name", service)
            .parameter("instance", instance)
            .json(body)
    }

    fn endpoint() -> Endpoint {
        let body = json!({"url": "https://a.example.com"});
        Endpoint::new(handler::ACCESS, handler::handle, |backend| {
            RegisterInstance {
                services: backend.clone(),
                instances: backend.clone(),
                networks: Networks::default(),
                clock: backend.clone(),
            }
        })
        .request(request(SERVICE, "a", &body), 200)
        .events(0..=0)
        .given(async |fixture, request| {
            let salt = SecretSalt::new([1; 16]);
            let name = SERVICE.parse().unwrap();
            let metadata = fixture.backend.metadata();
            let (service, _) = Service::register(name, EventFilter::everything(), salt, &metadata);
            fixture.backend.add_service(&service, &[]);
            request
        })
    }

    async fn answer(fixture: &Fixture, request: TestRequest, token: &str) -> Answer {
        let request = request.bearer(token);
        endpoint().answer(&fixture.backend, request).await
    }

    #[tokio::test]
    async fn administrators_and_the_service_itself_may() {
        endpoint().admits(Access::OWN_SERVICE_OR_ADMIN).await;
    }

    #[tokio::test]
    async fn a_key_registers_instances_of_its_own_service_alone() {
        let fixture = Fixture::new().await;
        let token = fixture.token(Principal::ServiceKey).await.unwrap();
        let body = json!({"url": "https://a.example.com"});
        let refused = answer(&fixture, request("other", "a", &body), &token).await;
        assert_eq!(refused.problem(), (403, "forbidden"));
        let absent = answer(&fixture, request(SERVICE, "a", &body), &token).await;
        assert_eq!(
            absent.problem(),
            (404, "not-found"),
            "an administrator registers the service"
        );
    }

    #[tokio::test]
    async fn an_instance_survives_every_fault() {
        let is_done = async |fixture: &Fixture| fixture.backend.instances().len() == 1;
        let calls = endpoint().survives_every_fault(is_done).await;
        assert_eq!(calls.last(), Some(&"instances.put"));
    }

    #[tokio::test]
    async fn one_that_starts_again_counts_as_healthy() {
        let fixture = Fixture::new().await;
        assert_eq!(endpoint().send(&fixture).await.status, 200);
        let ports: &dyn ServiceInstances = &*fixture.backend;
        let known = fixture.backend.instances().remove(0);
        let now = fixture.backend.metadata().now;
        let failed = known.health.failed(now).failed(now).failed(now);
        let name = SERVICE.parse().unwrap();
        ports.note_health(&name, &known, &failed).await.unwrap();
        assert!(!fixture.backend.instances()[0].health.is_usable());
        let answer = endpoint().send(&fixture).await;
        assert_eq!(
            (answer.status, &answer.body["healthy"]),
            (200, &json!(true))
        );
        assert!(fixture.backend.instances()[0].health.is_usable());
    }

    #[tokio::test]
    async fn a_service_has_only_so_many() {
        let fixture = Fixture::new().await;
        endpoint().send(&fixture).await;
        let put = async |id: &str| {
            let body = json!({"url": "https://a.example.com", "weight": 100});
            answer(&fixture, request(SERVICE, id, &body), &fixture.admin.token).await
        };
        for number in 1..MAX_INSTANCES {
            assert_eq!(put(&format!("i{number}")).await.status, 200);
        }
        assert_eq!(put("one-more").await.problem(), (409, "too-many-instances"));
        assert_eq!(put("a").await.status, 200, "in place of itself");
    }

    /// An instance chooses where Roster sends requests: neither inwards nor to the metadata service.
    #[tokio::test]
    async fn an_address_that_is_not_public_is_refused() {
        let fixture = Fixture::new().await;
        endpoint().send(&fixture).await;
        for (body, wrong) in [
            (json!({}), ("/url", "required")),
            (json!({"url": "a.example.com"}), ("/url", "invalid-url")),
            (
                json!({"url": "http://a.example.com"}),
                ("/url", "invalid-url"),
            ),
            (
                json!({"url": "https://a.example.com?x=1"}),
                ("/url", "invalid-url"),
            ),
            (
                json!({"url": "https://169.254.169.254"}),
                ("/url", "address-refused"),
            ),
            (
                json!({"url": "https://10.0.0.1"}),
                ("/url", "address-refused"),
            ),
            (
                json!({"url": "https://[::ffff:10.0.0.1]"}),
                ("/url", "address-refused"),
            ),
            (
                json!({"url": "https://a.example.com", "weight": 0}),
                ("/weight", "out-of-range"),
            ),
            (
                json!({"url": "https://a.example.com", "id": "b"}),
                ("/id", "unknown-field"),
            ),
        ] {
            let answer = answer(&fixture, request(SERVICE, "b", &body), &fixture.admin.token).await;
            assert_eq!(answer.invalid_fields(), [wrong], "{body}");
        }
        assert_eq!(fixture.backend.instances().len(), 1);
    }
}
