//! The use case: an administrator registers a service, or says anew what it is told of.

use std::sync::Arc;

use shared::{
    application::{
        ports::{Env, ServiceRegistry},
        webhook_secrets::WebhookSecrets,
    },
    domain::{
        Origin, Refusal, Result, Service, ServiceName,
        service::{EventFilter, SecretSalt, SigningSecret},
    },
};

pub struct RegisterService {
    pub services: Arc<dyn ServiceRegistry>,
    pub secrets: WebhookSecrets,
    pub env: Env,
}

/// The service as it is to be.
#[derive(Debug)]
pub struct Command {
    pub name: ServiceName,
    pub filter: EventFilter,
    pub origin: Origin,
}

/// What was done.
#[derive(Debug)]
pub enum Registered {
    /// There is a new service, with this secret, which nobody can show again.
    New(Service, SigningSecret),
    /// The service was there, and has the filter now.
    Known(Service),
}

impl RegisterService {
    /// Idempotent, but that the secret is in the first answer alone: if that got lost, rotate it.
    ///
    /// # Errors
    /// `VersionConflict` if another write came first.
    pub async fn execute(&self, command: Command) -> Result<Registered> {
        let metadata = self.env.metadata(command.origin)?;
        if let Some(known) = self.services.find(&command.name).await? {
            let change = known.clone().change_filter(command.filter, &metadata);
            let Some((service, event)) = change else {
                return Ok(Registered::Known(known));
            };
            let is_written = self.services.write(&service, &event).await?;
            return is_written
                .then_some(Registered::Known(service))
                .ok_or(Refusal::VersionConflict.into());
        }
        let salt = SecretSalt::new(self.env.random.bytes()?);
        let (service, event) = Service::register(command.name, command.filter, salt, &metadata);
        let secret = self.secrets.newest(&service).await?;
        let is_written = self.services.write(&service, &event).await?;
        is_written
            .then_some(Registered::New(service, secret))
            .ok_or(Refusal::VersionConflict.into())
    }
}

#[cfg(test)]
mod tests {
    use shared::{domain::EventKind, lambda::http::Access};
    use testing::{Answer, Endpoint, Fixture, TestRequest, Value, json};

    use super::*;
    use crate::handler;

    fn endpoint(body: &Value) -> Endpoint {
        let request = TestRequest::new("PUT", "/services/{name}").parameter("name", "profiles");
        Endpoint::new(handler::ACCESS, handler::handle, |backend| {
            RegisterService {
                services: backend.clone(),
                secrets: backend.webhook_secrets(),
                env: backend.env(),
            }
        })
        .request(request.json(body), 201)
        .succeeds_again(200)
    }

    async fn register(fixture: &Fixture, body: &Value) -> Answer {
        endpoint(body).send(fixture).await
    }

    #[tokio::test]
    async fn administrators_may() {
        endpoint(&json!({})).admits(Access::ADMIN.recent()).await;
    }

    #[tokio::test]
    async fn a_service_survives_every_fault() {
        let is_done = async |fixture: &Fixture| fixture.backend.service("profiles").is_some();
        let calls = endpoint(&json!({})).survives_every_fault(is_done).await;
        assert_eq!(calls.last(), Some(&"services.write"));
    }

    #[tokio::test]
    async fn the_secret_is_shown_once() {
        let fixture = Fixture::new().await;
        let filter = json!({"detail-type": ["UserCreated"]});
        let answer = register(&fixture, &json!({"filter": filter})).await;
        assert_eq!(answer.status, 201);
        let service = fixture.backend.service("profiles").unwrap();
        let secret = answer.body["secret"].as_str().unwrap();
        let secrets = fixture.backend.webhook_secrets();
        assert_eq!(secret, secrets.newest(&service).await.unwrap().expose());
        let expected = json!({
            "name": "profiles", "filter": filter, "createdAt": service.created_at,
            "createdBy": format!("user:{}", fixture.admin.id), "updatedAt": service.updated_at,
            "previousSecretUntil": null, "secret": secret,
        });
        assert_eq!(answer.body, expected);
        let again = register(&fixture, &json!({"filter": filter})).await;
        assert_eq!((again.status, &again.body["secret"]), (200, &Value::Null));
        assert!(!again.body.to_string().contains("whsec_"));

        let outbox = fixture.backend.outbox();
        let events = outbox.iter().filter(|event| event.data.service.is_some());
        let kinds: Vec<_> = events.map(|event| event.kind).collect();
        assert_eq!(
            kinds,
            [EventKind::ServiceRegistered],
            "nothing changed the second time"
        );
    }

    #[tokio::test]
    async fn another_filter_takes_the_place_of_the_first() {
        let fixture = Fixture::new().await;
        register(&fixture, &json!({})).await;
        let service = fixture.backend.service("profiles").unwrap();
        assert_eq!(service.filter, EventFilter::everything());
        let filter = json!({"detail-type": [{"prefix": "User"}]});
        let answer = register(&fixture, &json!({"filter": filter})).await;
        assert_eq!((answer.status, &answer.body["filter"]), (200, &filter));
        let changed = fixture.backend.service("profiles").unwrap();
        assert_eq!((changed.revision, changed.salt), (2, service.salt));
    }

    #[tokio::test]
    async fn what_is_wrong_is_pointed_at() {
        let fixture = Fixture::new().await;
        for (body, wrong) in [
            (json!({"filter": "all"}), ("/filter", "invalid-filter")),
            (json!({"filter": {}}), ("/filter", "invalid-filter")),
            (
                json!({"filter": {"source": "roster"}}),
                ("/filter", "invalid-filter"),
            ),
            (json!({"secret": "mine"}), ("/secret", "unknown-field")),
        ] {
            let answer = register(&fixture, &body).await;
            assert_eq!(answer.invalid_fields(), [wrong], "{body}");
        }
        assert!(fixture.backend.service("profiles").is_none());
    }
}
