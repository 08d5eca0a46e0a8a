//! The use case: somebody asks for a mail that proves the address.

use std::sync::Arc;

use shared::{
    domain::{
        Email, Origin, RequestId, Result,
        request::{AnonymousRequest, RequestKind},
    },
    ports::{AnonymousRequests, Circumstances},
};

/// Notes that somebody asks for a mail that proves the address.
pub struct RequestEmailVerification {
    /// Where the requests are kept.
    pub requests: Arc<dyn AnonymousRequests>,
    /// Time and randomness.
    pub circumstances: Circumstances,
}

/// The request.
#[derive(Debug)]
pub struct Command {
    /// Whose address it is said to be.
    pub email: Email,
    /// Who asks, and from where.
    pub origin: Origin,
}

impl RequestEmailVerification {
    /// Writes the request down: the same for every address, so that nobody learns here whether it has
    /// an account. An observer finds out.
    pub async fn execute(&self, command: Command) -> Result<()> {
        let occasion = self.circumstances.occasion(command.origin)?;
        let id = RequestId::new(occasion.now, self.circumstances.entropy.bytes()?);
        let kind = RequestKind::EmailVerification;
        let (request, event) = AnonymousRequest::new(id, command.email, kind, &occasion);
        self.requests.put(&request, &event).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use shared::{
        adapters::memory::World,
        domain::EventKind,
        http::{Access, Gate, answer, sample::Sample},
    };

    use super::*;
    use crate::handler;

    async fn post(world: &Arc<World>, body: &Value) -> (u16, Value) {
        let request = Sample::new("POST", "/email-verifications").json(body);
        let service = Arc::new(RequestEmailVerification {
            requests: world.clone(),
            circumstances: world.circumstances(),
        });
        let response = answer(
            handler::ACCESS,
            &Gate::open(""),
            service,
            &handler::handle,
            request.into_request().unwrap(),
        )
        .await;
        let body = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
        (response.status().as_u16(), body)
    }

    #[tokio::test]
    async fn known_and_unknown_addresses_get_one_answer_for_the_same_calls() {
        let world = World::new();
        world.add_user("ann@example.com").await.unwrap();
        let mut outcomes = Vec::new();
        for email in ["ann@example.com", "bob@example.com"] {
            world.clear_trace();
            let answer = post(&world, &json!({"email": email})).await;
            outcomes.push((answer, world.trace()));
        }
        assert_eq!(
            outcomes[0],
            ((202, json!({"status": "accepted"})), vec!["requests.put"])
        );
        assert_eq!(outcomes[0], outcomes[1]);
    }

    #[tokio::test]
    async fn the_event_names_the_request_and_nobody() {
        let world = World::new();
        post(&world, &json!({"email": " Ann@Example.com"})).await;
        let event = world.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::UserEmailVerificationRequested);
        assert!(event.user_id.is_none() && event.version.is_none());
        assert!(!event.to_cloud_event().to_string().contains("ann@"));
        let requests: &dyn AnonymousRequests = world.as_ref();
        let id = event.data.request_id.unwrap();
        let request = requests.find(id).await.unwrap().unwrap();
        assert_eq!(request.email.as_str(), "ann@example.com");
        assert_eq!(request.kind, RequestKind::EmailVerification);
    }

    #[tokio::test]
    async fn wrong_fields_are_pointed_at() {
        let world = World::new();
        let (status, problem) = post(&world, &json!({"email": "ann", "now": true})).await;
        let errors = problem["errors"].as_array().unwrap();
        let pointers: Vec<_> = errors
            .iter()
            .map(|error| error["pointer"].as_str().unwrap())
            .collect();
        assert_eq!((status, pointers), (422, vec!["/email", "/now"]));
        assert!(world.trace().is_empty());
        assert_eq!(handler::ACCESS, Access::Anyone);
    }
}
