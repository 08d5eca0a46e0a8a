//! The use case: a person asks for a password reset.

use shared::{
    application::mail_requests::MailRequests,
    domain::{Email, Origin, Result, request::RequestKind},
};

/// Stores the request for a password reset.
pub struct RequestPasswordReset {
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

impl RequestPasswordReset {
    /// Writes the request down: the same for every address.
    ///
    /// # Errors
    /// `TooManyRequests`.
    pub async fn execute(&self, command: Command) -> Result<()> {
        let Command { email, origin } = command;
        self.mail_requests
            .submit(RequestKind::PasswordReset, email, origin)
            .await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use shared::{application::ports::AnonymousRequests, domain::EventKind, lambda::http::Access};
    use testing::{Answer, Endpoint, FakeBackend, TestRequest, Value, json};

    use super::*;
    use crate::handler;

    async fn post(backend: &Arc<FakeBackend>, body: &Value) -> Answer {
        let endpoint = Endpoint::new(handler::ACCESS, handler::handle, |backend| {
            RequestPasswordReset {
                mail_requests: backend.mail_requests(3),
            }
        });
        let request = TestRequest::new("POST", "/password-resets").json(body);
        endpoint.answer(backend, request).await
    }

    #[tokio::test]
    async fn known_and_unknown_addresses_get_one_answer_for_the_same_calls() {
        let backend = FakeBackend::new();
        backend.add_user("ann@example.com").await;
        let mut outcomes = Vec::new();
        for email in ["ann@example.com", "bob@example.com"] {
            backend.clear_trace();
            let answer = post(&backend, &json!({"email": email})).await;
            assert_eq!(answer.status, 202);
            outcomes.push((answer.body, backend.trace()));
        }
        let calls = vec!["attempts.spend", "attempts.spend", "requests.put"];
        assert_eq!(outcomes[0], (json!({"status": "accepted"}), calls));
        assert_eq!(outcomes[0], outcomes[1]);
    }

    #[tokio::test]
    async fn known_and_unknown_addresses_run_into_the_limit_alike() {
        let backend = FakeBackend::new();
        backend.add_user("ann@example.com").await;
        for email in ["ann@example.com", "bob@example.com"] {
            let body = json!({"email": email});
            for _ in 0..3 {
                assert_eq!(post(&backend, &body).await.status, 202);
            }
            let refused = post(&backend, &body).await;
            assert_eq!(refused.problem(), (429, "too-many-requests"));
        }
        assert_eq!(backend.pending_requests(), 6);
        backend.advance(std::time::Duration::from_hours(1));
        let later = post(&backend, &json!({"email": "ann@example.com"})).await;
        assert_eq!(later.status, 202);
    }

    #[tokio::test]
    async fn the_event_names_the_request_and_nobody() {
        let backend = FakeBackend::new();
        post(&backend, &json!({"email": " Ann@Example.com"})).await;
        let event = backend.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::UserPasswordResetRequested);
        assert!(event.user_id.is_none() && event.version.is_none());
        assert!(!event.to_cloud_event().to_string().contains("ann@"));
        let requests: &dyn AnonymousRequests = backend.as_ref();
        let id = event.data.request_id.unwrap();
        let request = requests.find(id).await.unwrap().unwrap();
        assert_eq!(request.email.as_str(), "ann@example.com");
        assert_eq!(request.kind, RequestKind::PasswordReset);
    }

    #[tokio::test]
    async fn wrong_fields_are_pointed_at() {
        let backend = FakeBackend::new();
        let answer = post(&backend, &json!({"email": "ann", "now": true})).await;
        let fields = answer.invalid_fields();
        let pointers: Vec<_> = fields.iter().map(|(pointer, _)| *pointer).collect();
        assert_eq!((answer.status, pointers), (422, vec!["/email", "/now"]));
        assert!(backend.trace().is_empty());
        assert_eq!(handler::ACCESS, Access::ANYONE);
    }
}
