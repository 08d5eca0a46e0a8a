//! The use case: who asked to prove an address gets a link, if there is something to prove.

use std::time::Duration;

use shared::{
    application::mail::{MailTemplate, RequestResponder},
    domain::{DomainEvent, Result, User, request::RequestKind, user::Standing},
};

/// Mails links that prove addresses.
pub struct OnEmailVerificationRequested {
    /// Answers the requests.
    pub responder: RequestResponder,
}

impl OnEmailVerificationRequested {
    /// Mails the link, once however often the event comes, and forgets the request. An address
    /// without an active account, or proven already, gets nothing; nor does one that is invited, which its
    /// invitation proves.
    pub async fn execute(&self, event: &DomainEvent, remaining: Duration) -> Result<()> {
        let Some(request) = self.responder.request(event).await? else {
            return Ok(());
        };
        let choose = |user: &User| {
            let is_open = !user.email_verified && user.standing != Standing::Invited;
            (is_open && request.kind == RequestKind::EmailVerification)
                .then_some(MailTemplate::EmailVerification)
        };
        self.responder
            .answer(&request, event, remaining, choose)
            .await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use shared::{
        application::ports::{AnonymousRequests, Clock as _, UserRepository as _},
        domain::{
            Email, RequestId, TokenPurpose, mail::MailGuarantee, request::AnonymousRequest,
            token::TokenBinding, user::Standing,
        },
    };
    use testing::FakeBackend;

    use super::*;

    const REMAINING: Duration = Duration::from_secs(10);

    fn service(backend: &Arc<FakeBackend>) -> OnEmailVerificationRequested {
        OnEmailVerificationRequested {
            responder: backend.responder(MailGuarantee::NeverLost),
        }
    }

    /// A request for a mail to this address.
    async fn ask(backend: &Arc<FakeBackend>, email: &str, kind: RequestKind) -> DomainEvent {
        let metadata = backend.metadata();
        let (request, event) = AnonymousRequest::new(
            RequestId::new(metadata.now, [1; 10]),
            email.parse::<Email>().unwrap(),
            kind,
            &metadata,
        );
        let requests: &dyn AnonymousRequests = backend.as_ref();
        requests.put(&request, &event).await.unwrap();
        event
    }

    /// Uses the token in the newest mail.
    async fn verify(backend: &Arc<FakeBackend>) -> bool {
        let (token, user) = (backend.mailed_token().unwrap(), backend.users().remove(0));
        let metadata = backend.metadata();
        assert_eq!(token.purpose, TokenPurpose::EmailVerification);
        let change = user.verify_email(&metadata).unwrap();
        let change = change.spending(token.spend(
            &TokenBinding::of(&user, token.purpose).unwrap(),
            backend.now(),
        ));
        backend.commit(&change).await.is_ok()
    }

    #[tokio::test]
    async fn who_asked_gets_a_link_until_the_address_is_verified() {
        let backend = FakeBackend::new();
        backend
            .add_unproven("ann@example.com", Standing::Provisional)
            .await;
        let kind = RequestKind::EmailVerification;
        let event = ask(&backend, "ann@example.com", kind.clone()).await;
        service(&backend).execute(&event, REMAINING).await.unwrap();
        let mail = backend.inbox().pop().unwrap();
        assert!(mail.text.contains("https://app.example.com/verify#token="));
        assert!(verify(&backend).await);
        let event = ask(&backend, "ann@example.com", kind).await;
        service(&backend).execute(&event, REMAINING).await.unwrap();
        assert_eq!((backend.inbox().len(), backend.pending_requests()), (1, 0));
    }

    #[tokio::test]
    async fn nobody_else_gets_anything() {
        let backend = FakeBackend::new();
        let ann = backend
            .add_unproven("ann@example.com", Standing::Provisional)
            .await;
        let kind = RequestKind::EmailVerification;
        for (email, kind, active) in [
            ("nobody@example.com", kind.clone(), true),
            ("ann@example.com", RequestKind::PasswordReset, true),
            ("ann@example.com", kind, false),
        ] {
            backend.tamper(ann.id, |user| user.active = active);
            let event = ask(&backend, email, kind).await;
            service(&backend).execute(&event, REMAINING).await.unwrap();
            assert_eq!((backend.inbox().len(), backend.pending_requests()), (0, 0));
        }
    }
    #[tokio::test]
    async fn a_request_survives_every_fault() {
        let calls = FakeBackend::survives_every_fault(
            async |backend| {
                backend
                    .add_unproven("ann@example.com", Standing::Provisional)
                    .await;
                ask(backend, "ann@example.com", RequestKind::EmailVerification).await
            },
            async |backend, event| service(backend).execute(event, REMAINING).await,
            async |backend, _| {
                (1..=2).contains(&backend.inbox().len())
                    && verify(backend).await
                    && backend.pending_requests() == 0
            },
        )
        .await;
        assert_eq!(calls.len(), 15, "{calls:?}");
    }
}
