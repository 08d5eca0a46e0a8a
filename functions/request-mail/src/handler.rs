//! HTTP to the use case, which is [`MailRequests`], and back.

use std::sync::Arc;

use shared::{
    application::mail_requests::MailRequests,
    domain::{Email, request::RequestKind},
    lambda::{
        body,
        http::{Access, Request, Response, response},
    },
};

/// Anyone, for any address.
pub const ACCESS: Access = Access::ANYONE;

body! {
    struct Body {
        email: Email = text("email"),
    }
}

/// `POST /password-resets` and `POST /email-verifications`.
pub async fn handle(mail_requests: Arc<MailRequests>, request: Request) -> Response {
    let Body { email } = request.body()?;
    let kind = match request.path.as_str() {
        "/password-resets" => RequestKind::PasswordReset,
        _ => RequestKind::EmailVerification,
    };
    let origin = request.origin();
    mail_requests.submit(kind, email, origin).await?;
    response::accepted()
}

#[cfg(test)]
mod tests {
    use shared::{application::ports::AnonymousRequests, domain::EventKind};
    use testing::{Answer, Endpoint, FakeBackend, TestRequest, Value, json};

    use super::*;

    const PATHS: [&str; 2] = ["/password-resets", "/email-verifications"];

    async fn post(backend: &Arc<FakeBackend>, path: &str, body: &Value) -> Answer {
        let endpoint = Endpoint::new(ACCESS, handle, |backend| backend.mail_requests(3));
        let request = TestRequest::new("POST", path).json(body);
        endpoint.answer(backend, request).await
    }

    #[tokio::test]
    async fn known_and_unknown_addresses_get_one_answer_for_the_same_calls() {
        for path in PATHS {
            let backend = FakeBackend::new();
            backend.add_user("ann@example.com").await;
            let mut outcomes = Vec::new();
            for email in ["ann@example.com", "bob@example.com"] {
                backend.clear_trace();
                let answer = post(&backend, path, &json!({"email": email})).await;
                assert_eq!(answer.status, 202);
                outcomes.push((answer.body, backend.trace()));
            }
            let calls = vec!["attempts.spend", "requests.put"];
            assert_eq!(outcomes[0], (json!({"status": "accepted"}), calls));
            assert_eq!(outcomes[0], outcomes[1]);
        }
    }

    #[tokio::test]
    async fn the_client_is_limited_whatever_the_addresses() {
        for path in PATHS {
            let backend = FakeBackend::new();
            backend.add_user("ann@example.com").await;
            for who in ["ann", "bob", "ann"] {
                let body = json!({"email": format!("{who}@example.com")});
                assert_eq!(post(&backend, path, &body).await.status, 202);
            }
            for who in ["ann", "bob"] {
                let body = json!({"email": format!("{who}@example.com")});
                let refused = post(&backend, path, &body).await;
                assert_eq!(refused.problem(), (429, "too-many-requests"));
            }
            assert_eq!(backend.pending_requests(), 3);
            backend.advance(std::time::Duration::from_hours(1));
            let later = post(&backend, path, &json!({"email": "ann@example.com"})).await;
            assert_eq!(later.status, 202);
        }
    }

    #[tokio::test]
    async fn the_event_names_the_request_and_nobody() {
        let kinds = [
            (
                EventKind::UserPasswordResetRequested,
                RequestKind::PasswordReset,
            ),
            (
                EventKind::UserEmailVerificationRequested,
                RequestKind::EmailVerification,
            ),
        ];
        for (path, (event_kind, kind)) in PATHS.into_iter().zip(kinds) {
            let backend = FakeBackend::new();
            post(&backend, path, &json!({"email": " Ann@Example.com"})).await;
            let event = backend.outbox().pop().unwrap();
            assert_eq!(event.kind, event_kind);
            assert!(event.user_id.is_none() && event.version.is_none());
            assert!(!event.to_cloud_event().to_string().contains("ann@"));
            let requests: &dyn AnonymousRequests = backend.as_ref();
            let id = event.data.request_id.unwrap();
            let request = requests.find(id).await.unwrap().unwrap();
            assert_eq!(request.email.as_str(), "ann@example.com");
            assert_eq!(request.kind, kind);
        }
    }

    #[tokio::test]
    async fn wrong_fields_are_pointed_at() {
        let backend = FakeBackend::new();
        let wrong = json!({"email": "ann", "now": true});
        let answer = post(&backend, PATHS[0], &wrong).await;
        let fields = answer.invalid_fields();
        let pointers: Vec<_> = fields.iter().map(|(pointer, _)| *pointer).collect();
        assert_eq!((answer.status, pointers), (422, vec!["/email", "/now"]));
        assert!(backend.trace().is_empty());
        assert_eq!(ACCESS, Access::ANYONE);
    }
}
