//! The use case: a service gets another signing secret.

use std::sync::Arc;

use shared::{
    application::{
        ports::{Env, ServiceRegistry},
        webhook_secrets::WebhookSecrets,
    },
    domain::{
        Origin, Refusal, Result, Service, ServiceName,
        service::{SecretSalt, SigningSecret},
    },
};

pub struct RotateServiceSecret {
    pub services: Arc<dyn ServiceRegistry>,
    pub secrets: WebhookSecrets,
    pub env: Env,
}

/// The service whose secret is to be replaced.
#[derive(Debug)]
pub struct Command {
    pub name: ServiceName,
    pub origin: Origin,
}

impl RotateServiceSecret {
    /// Returns the service and the new secret, which nobody can show again. The one before signs too
    /// for a day. A repetition makes another secret, and keeps that one.
    ///
    /// # Errors
    /// `NotFound`; `VersionConflict` if another write came first.
    pub async fn execute(&self, command: Command) -> Result<(Service, SigningSecret)> {
        let metadata = self.env.metadata(command.origin)?;
        let service = self.services.find(&command.name).await?;
        let service = service.ok_or(Refusal::NotFound)?;
        let salt = SecretSalt::new(self.env.random.bytes()?);
        let (service, event) = service.rotate_secret(salt, &metadata);
        let secret = self.secrets.newest(&service).await?;
        let is_written = self.services.write(&service, &event).await?;
        is_written
            .then_some((service, secret))
            .ok_or(Refusal::VersionConflict.into())
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        domain::{
            EventKind,
            service::{EventFilter, secret::OVERLAP},
        },
        lambda::http::Access,
    };
    use testing::{Endpoint, Fixture, TestRequest};

    use super::*;
    use crate::handler;

    const FIRST: [u8; 16] = [1; 16];

    fn endpoint() -> Endpoint {
        let request = TestRequest::new("POST", "/services/{name}/secret");
        Endpoint::new(handler::ACCESS, handler::handle, |backend| {
            RotateServiceSecret {
                services: backend.clone(),
                secrets: backend.webhook_secrets(),
                env: backend.env(),
            }
        })
        .request(request.parameter("name", "profiles"), 200)
        .events(1..=2)
        .given(async |fixture, request| {
            if fixture.backend.service("profiles").is_none() {
                let name = "profiles".parse().unwrap();
                let salt = SecretSalt::new(FIRST);
                let metadata = fixture.backend.metadata();
                let filter = EventFilter::everything();
                let (service, _) = Service::register(name, filter, salt, &metadata);
                fixture.backend.add_service(&service, &[]);
            }
            request
        })
    }

    #[tokio::test]
    async fn administrators_may() {
        endpoint().admits(Access::ADMIN.recent()).await;
    }

    #[tokio::test]
    async fn whatever_fails_the_secret_of_before_signs_on() {
        let is_done = async |fixture: &Fixture| {
            let service = fixture.backend.service("profiles").unwrap();
            let salts = service.salts(fixture.backend.metadata().now);
            salts.len() == 2 && *salts[1] == SecretSalt::new(FIRST)
        };
        endpoint().survives_every_fault(is_done).await;
    }

    #[tokio::test]
    async fn the_new_secret_is_shown_once() {
        let fixture = Fixture::new().await;
        let answer = endpoint().send(&fixture).await;
        let service = fixture.backend.service("profiles").unwrap();
        let secrets = fixture.backend.webhook_secrets();
        let secret = secrets.newest(&service).await.unwrap();
        assert_eq!(answer.body["secret"], secret.expose());
        let until = service.created_at.plus(OVERLAP);
        assert_eq!(answer.body["previousSecretUntil"], until.to_string());
        let event = fixture.backend.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::ServiceSecretRotated);
    }
}
