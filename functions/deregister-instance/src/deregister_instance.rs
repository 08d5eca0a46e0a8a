//! The use case: an instance of a service goes.

use std::sync::Arc;

use shared::{
    application::ports::ServiceInstances,
    domain::{InstanceId, Result, ServiceName},
};

pub struct DeregisterInstance {
    pub instances: Arc<dyn ServiceInstances>,
}

impl DeregisterInstance {
    /// Forgets the instance. If it is not there, nothing changes.
    pub async fn execute(&self, service: &ServiceName, id: &InstanceId) -> Result<()> {
        self.instances.remove(service, id).await
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        domain::{
            Instance, Service,
            service::{EventFilter, SecretSalt},
        },
        lambda::http::Access,
    };
    use testing::{Endpoint, Fixture, Principal, SERVICE, TestRequest};

    use super::*;
    use crate::handler;

    fn request(service: &str, instance: &str) -> TestRequest {
        TestRequest::new("DELETE", "/services/{name}/instances/{instance}")
            .parameter("name", service)
            .parameter("instance", instance)
    }

    fn endpoint() -> Endpoint {
        Endpoint::new(handler::ACCESS, handler::handle, |backend| {
            DeregisterInstance {
                instances: backend.clone(),
            }
        })
        .request(request(SERVICE, "a"), 204)
        .events(0..=0)
        .given(async |fixture, request| {
            let metadata = fixture.backend.metadata();
            let (filter, salt) = (EventFilter::everything(), SecretSalt::new([1; 16]));
            let name = SERVICE.parse().unwrap();
            let (service, _) = Service::register(name, filter, salt, &metadata);
            let url = "https://a.example.com".parse().unwrap();
            let instance = Instance::register("a".parse().unwrap(), url, 1, metadata.now);
            fixture.backend.add_service(&service, &[instance]);
            request
        })
    }

    #[tokio::test]
    async fn administrators_and_the_service_itself_may() {
        endpoint().admits(Access::OWN_SERVICE_OR_ADMIN).await;
    }

    #[tokio::test]
    async fn an_instance_is_gone_whatever_fails() {
        let is_done = async |fixture: &Fixture| fixture.backend.instances().is_empty();
        endpoint().survives_every_fault(is_done).await;
    }

    #[tokio::test]
    async fn a_key_removes_instances_of_its_own_service_alone() {
        let fixture = Fixture::new().await;
        let token = fixture.token(Principal::ServiceKey).await.unwrap();
        for (service, instance, expected) in [
            ("other", "a", (403, "forbidden")),
            (SERVICE, "No Id", (404, "not-found")),
            (SERVICE, "nobody", (204, "")),
        ] {
            let request = request(service, instance).bearer(&token);
            let answer = endpoint().answer(&fixture.backend, request).await;
            assert_eq!(answer.problem(), expected, "{service} {instance}");
        }
    }
}
