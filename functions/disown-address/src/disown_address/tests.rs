use std::{sync::Arc, time::Duration};

use secrecy::ExposeSecret as _;
use shared::{
    application::ports::{AnonymousRequests as _, Clock as _, OneTimeTokens, UserRepository as _},
    domain::{
        EventKind, LoginKey, PasswordHash, RequestId, UserId,
        request::{AnonymousRequest, RequestKind, SignUp},
        token::TokenBinding,
    },
    lambda::http::Access,
};
use testing::{Answer, Endpoint, FakeBackend, TestRequest, json};

use super::*;
use crate::handler;

const ANN: &str = "ann@example.com";
const VERIFY: TokenPurpose = TokenPurpose::EmailVerification;
const EXPIRED: (u16, &str) = (410, "token-expired");
const ESTABLISHED: (u16, &str) = (409, "account-established");

async fn issued(
    backend: &Arc<FakeBackend>,
    id: UserId,
    purpose: TokenPurpose,
    binding: Option<TokenBinding>,
) -> OneTimeToken {
    backend.advance(Duration::from_secs(1));
    let token = OneTimeToken::new(purpose, id, [7; 32]);
    let issue = token.issue(&binding.unwrap(), backend.now());
    assert!(
        OneTimeTokens::issue(backend.as_ref(), &issue, issue.issued_at)
            .await
            .unwrap()
    );
    token
}

async fn of_user(backend: &Arc<FakeBackend>, user: &User, purpose: TokenPurpose) -> OneTimeToken {
    issued(backend, user.id, purpose, TokenBinding::of(user, purpose)).await
}

async fn disown(backend: &Arc<FakeBackend>, token: &OneTimeToken) -> Answer {
    let endpoint = Endpoint::new(handler::ACCESS, handler::handle, |backend| DisownAddress {
        redemption: backend.redemption(),
    });
    let body = json!({"token": token.encode().expose_secret()});
    let request = TestRequest::new("DELETE", "/email-verifications").json(&body);
    endpoint.answer(backend, request).await
}

#[tokio::test]
async fn an_account_which_nobody_confirmed_is_erased() {
    assert_eq!(handler::ACCESS, Access::ANYONE);
    for (standing, purpose) in [
        (Standing::Provisional, VERIFY),
        (Standing::Invited, TokenPurpose::Invitation),
    ] {
        let backend = FakeBackend::new();
        let stranger = backend.add_unproven(ANN, standing).await;
        let token = of_user(&backend, &stranger, purpose).await;
        assert_eq!(disown(&backend, &token).await.status, 204);
        assert_eq!(backend.users(), []);
        let key = LoginKey::Email(ANN.parse().unwrap());
        assert_eq!(backend.find_login(&key).await.unwrap(), None);
        let event = backend.outbox().pop().unwrap();
        assert_eq!(event.kind, EventKind::UserDeleted);
        assert_eq!(disown(&backend, &token).await.problem(), EXPIRED);
    }
}

#[tokio::test]
async fn an_account_which_somebody_uses_stays() {
    let backend = FakeBackend::new();
    let imported = backend.add_unproven(ANN, Standing::Settled).await;
    let token = of_user(&backend, &imported, VERIFY).await;
    assert_eq!(disown(&backend, &token).await.problem(), ESTABLISHED);
    let bob = backend.add_user("bob@example.com").await;
    let request =
        |bob: &User, metadata: &_| bob.request_email("new@example.com".parse().unwrap(), metadata);
    let bob = backend.change(bob.id, request).await;
    let token = of_user(&backend, &bob, TokenPurpose::EmailChange).await;
    assert_eq!(disown(&backend, &token).await.problem(), ESTABLISHED);
    let token = of_user(&backend, &bob, TokenPurpose::PasswordReset).await;
    assert_eq!(disown(&backend, &token).await.problem(), EXPIRED);
    assert_eq!(backend.users().len(), 2);
}

#[tokio::test]
async fn a_sign_up_that_waits_is_forgotten() {
    let backend = FakeBackend::new();
    let metadata = backend.metadata();
    let user_id = UserId::new(metadata.now, [7; 10]);
    let kind = RequestKind::SignUp(SignUp {
        user_id,
        name: "Ann".parse().unwrap(),
        password: PasswordHash::from_phc("hash"),
    });
    let id = RequestId::from(user_id.as_uuid());
    let (request, event) = AnonymousRequest::new(id, ANN.parse().unwrap(), kind, &metadata);
    backend.put(&request, &event).await.unwrap();
    let binding = TokenBinding::of_sign_up(request.email);
    let token = issued(&backend, user_id, TokenPurpose::SignUp, Some(binding)).await;
    assert_eq!(disown(&backend, &token).await.status, 204);
    assert_eq!(backend.pending_requests(), 0);
    assert_eq!(disown(&backend, &token).await.problem(), EXPIRED);
}

#[tokio::test]
async fn an_erasure_survives_every_fault() {
    let calls = FakeBackend::survives_every_fault(
        async |backend| {
            let stranger = backend.add_unproven(ANN, Standing::Provisional).await;
            of_user(backend, &stranger, VERIFY).await
        },
        async |backend, token| {
            let answer = disown(backend, token).await;
            let is_done = answer.status == 204 || answer.problem() == EXPIRED;
            is_done.then_some(()).ok_or(format!("{answer:?}"))
        },
        async |backend, _| backend.users().is_empty() && backend.outbox().len() == 2,
    )
    .await;
    assert_eq!(
        calls,
        ["users.find", "tokens.is_good", "users.find", "users.commit"]
    );
}
