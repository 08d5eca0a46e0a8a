//! The query: which services there are.

use std::sync::Arc;

use shared::{
    application::ports::ServiceRegistry,
    domain::{Result, Service},
};

pub struct ListServices {
    pub services: Arc<dyn ServiceRegistry>,
}

impl ListServices {
    /// The services, by name.
    pub async fn execute(&self) -> Result<Vec<Service>> {
        self.services.list().await
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        domain::service::{EventFilter, SecretSalt},
        lambda::http::Access,
    };
    use testing::{Endpoint, Fixture, TestRequest};

    use super::*;
    use crate::handler;

    fn endpoint() -> Endpoint {
        Endpoint::new(handler::ACCESS, handler::handle, |backend| ListServices {
            services: backend.clone(),
        })
        .request(TestRequest::new("GET", "/services"), 200)
    }

    #[tokio::test]
    async fn administrators_may() {
        endpoint().admits(Access::ADMIN).await;
    }

    #[tokio::test]
    async fn services_are_listed_by_name_until_they_are_deregistered() {
        let fixture = Fixture::new().await;
        let metadata = fixture.backend.metadata();
        for name in ["b", "a", "gone"] {
            let salt = SecretSalt::new([1; 16]);
            let filter = EventFilter::everything();
            let name = name.parse().unwrap();
            let (mut service, _) = Service::register(name, filter, salt, &metadata);
            if service.name.as_str() == "gone" {
                service = service.deregister(&metadata).0;
            }
            fixture.backend.add_service(&service, &[]);
        }
        let answer = endpoint().send(&fixture).await;
        let data = answer.body["data"].as_array().unwrap().iter();
        let names: Vec<_> = data.map(|service| service["name"].as_str()).collect();
        assert_eq!(names, [Some("a"), Some("b")]);
        assert!(!answer.body.to_string().contains("salt"));
    }
}
