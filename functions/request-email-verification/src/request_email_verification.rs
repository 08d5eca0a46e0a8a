//! The use case: somebody asks for a mail that proves the address.

use shared::{
    application::mail_requests::MailRequests,
    domain::{Email, Origin, Result, request::RequestKind},
};

/// Notes that somebody asks for a mail that proves the address.
pub struct RequestEmailVerification {
    /// Notes requests.
    pub mail_requests: MailRequests,
}

/// The request.
#[derive(Debug)]
pub struct Command {
    /// Whose address it is said to be.
    pub email: Email,
    /// Who sends the command, and from where.
    pub origin: Origin,
}

impl RequestEmailVerification {
    /// Writes the request down: the same for every address.
    ///
    /// # Errors
    /// `TooManyRequests`.
    pub async fn execute(&self, command: Command) -> Result<()> {
        let Command { email, origin } = command;
        self.mail_requests
            .submit(RequestKind::EmailVerification, email, origin)
            .await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};
    use shared::{
        application::ports::AnonymousRequests,
        domain::EventKind,
        lambda::http::{Access, Authenticator, answer},
    };
    use testing::{FakeBackend, sample::Sample};

    use super::*;
    use crate::handler;

    async fn mail_service(backend: &Arc<FakeBackend>, body: &Value) -> (u16, Value) {
        let request = Sample::new("POST", "/email-verifications").json(body);
        let mail_requests = backend.mail_requests(3);
        let service = Arc::new(RequestEmailVerification { mail_requests });
        let response = answer(
            handler::ACCESS,
            &Authenticator::open(""),
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
        let backend = FakeBackend::new();
        backend.add_user("ann@example.com").await.unwrap();
        let mut outcomes = Vec::new();
        for email in ["ann@example.com", "bob@example.com"] {
            backend.clear_trace();
            let answer = mail_service(&backend, &json!({"email": email})).await;
            outcomes.push((answer, backend.trace()));
        }
        assert_eq!(
            outcomes[0],
            (
                (202, json!({"status": "accepted"})),
                vec!["attempts.spend", "attempts.spend", "requests.put"]
            )
        );
        assert_eq!(outcomes[0], outcomes[1]);
    }

    #[tokio::test]
    async fn known_and_unknown_addresses_run_into_the_limit_alike() {
        let backend = FakeBackend::new();
        backend.add_user("ann@example.com").await.unwrap();
        for email in ["ann@example.com", "bob@example.com"] {
            let body = json!({"email": email});
            for _ in 0..3 {
                assert_eq!(mail_service(&backend, &body).await.0, 202);
            }
            let (status, problem) = mail_service(&backend, &body).await;
            assert_eq!(
                (status, &problem["code"]),
                (429, &json!("too-many-requests"))
            );
        }
        assert_eq!(backend.pending_requests(), 6);
        backend.advance(std::time::Duration::from_hours(1));
        assert_eq!(
            mail_service(&backend, &json!({"email": "ann@example.com"}))
                .await
                .0,
            202
        );
    }

    #[tokio::test]
    async fn the_event_names_the_request_and_nobody() {
        let backend = FakeBackend::new();
        mail_service(&backend, &json!({"email": " Ann@Example.com"})).await;
        let event = backend.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::UserEmailVerificationRequested);
        assert!(event.user_id.is_none() && event.version.is_none());
        assert!(!event.to_cloud_event().to_string().contains("ann@"));
        let requests: &dyn AnonymousRequests = backend.as_ref();
        let id = event.data.request_id.unwrap();
        let request = requests.find(id).await.unwrap().unwrap();
        assert_eq!(request.email.as_str(), "ann@example.com");
        assert_eq!(request.kind, RequestKind::EmailVerification);
    }

    #[tokio::test]
    async fn wrong_fields_are_pointed_at() {
        let backend = FakeBackend::new();
        let (status, problem) = mail_service(&backend, &json!({"email": "ann", "now": true})).await;
        let errors = problem["errors"].as_array().unwrap();
        let pointers: Vec<_> = errors
            .iter()
            .map(|error| error["pointer"].as_str().unwrap())
            .collect();
        assert_eq!((status, pointers), (422, vec!["/email", "/now"]));
        assert!(backend.trace().is_empty());
        assert_eq!(handler::ACCESS, Access::Anyone);
    }
}
