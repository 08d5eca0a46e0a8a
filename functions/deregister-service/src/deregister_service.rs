//! The use case: an administrator deregisters a service.

use std::sync::Arc;

use shared::{
    application::ports::{Env, ServiceInstances, ServiceRegistry},
    domain::{Origin, Refusal, Result, ServiceName},
};

pub struct DeregisterService {
    pub services: Arc<dyn ServiceRegistry>,
    pub instances: Arc<dyn ServiceInstances>,
    pub env: Env,
}

/// The service to be deregistered.
#[derive(Debug)]
pub struct Command {
    pub name: ServiceName,
    pub origin: Origin,
}

impl DeregisterService {
    /// Forgets the instances, then the service. What waits for it is dropped when its turn comes.
    ///
    /// # Errors
    /// `NotFound`; `VersionConflict` if another write came first.
    pub async fn execute(&self, command: Command) -> Result<()> {
        let metadata = self.env.metadata(command.origin)?;
        let service = self.services.find(&command.name).await?;
        let service = service.ok_or(Refusal::NotFound)?;
        for instance in self.instances.list(&service.name).await? {
            self.instances.remove(&service.name, &instance.id).await?;
        }
        let (service, event) = service.deregister(&metadata);
        let is_written = self.services.write(&service, &event).await?;
        is_written
            .then_some(())
            .ok_or(Refusal::VersionConflict.into())
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        domain::{
            EventKind, Instance, Service,
            service::{EventFilter, SecretSalt},
        },
        lambda::http::Access,
    };
    use testing::{Endpoint, Fixture, TestRequest};

    use super::*;
    use crate::handler;

    fn endpoint() -> Endpoint {
        let request = TestRequest::new("DELETE", "/services/{name}").parameter("name", "profiles");
        Endpoint::new(handler::ACCESS, handler::handle, |backend| {
            DeregisterService {
                services: backend.clone(),
                instances: backend.clone(),
                env: backend.env(),
            }
        })
        .request(request, 204)
        .done_again(&Refusal::NotFound)
        .given(async |fixture, request| {
            let metadata = fixture.backend.metadata();
            let name = "profiles".parse().unwrap();
            let filter = EventFilter::everything();
            let salt = SecretSalt::new([1; 16]);
            let (service, _) = Service::register(name, filter, salt, &metadata);
            let url = "https://a.example.com".parse().unwrap();
            let instance = Instance::register("a".parse().unwrap(), url, 1, metadata.now);
            fixture.backend.add_service(&service, &[instance]);
            request
        })
    }

    #[tokio::test]
    async fn administrators_may() {
        endpoint().admits(Access::ADMIN.recent()).await;
    }

    #[tokio::test]
    async fn a_service_is_gone_whatever_fails() {
        let is_done = async |fixture: &Fixture| {
            let service = fixture.backend.service("profiles").unwrap();
            service.removed_at.is_some() && fixture.backend.instances().is_empty()
        };
        endpoint().survives_every_fault(is_done).await;
    }

    #[tokio::test]
    async fn the_trail_says_so_and_there_must_be_one() {
        let fixture = Fixture::new().await;
        assert_eq!(endpoint().send(&fixture).await.status, 204);
        let event = fixture.backend.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::ServiceDeregistered);
        for name in ["other", "No Name"] {
            let request = TestRequest::new("DELETE", "/services/{name}").parameter("name", name);
            let request = request.bearer(&fixture.admin.token);
            let answer = endpoint().answer(&fixture.backend, request).await;
            assert_eq!(answer.problem(), (404, "not-found"), "{name}");
        }
    }
}
