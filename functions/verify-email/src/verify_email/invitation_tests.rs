//! Invitations, by way of the handler.

use std::sync::Arc;

use secrecy::ExposeSecret as _;
use shared::{
    application::ports::{OneTimeTokens, UserRepository as _},
    domain::{
        EventKind, UserId,
        token::TokenBinding,
        user::{Invitee, Standing},
    },
};
use testing::{Answer, Endpoint, FakeBackend, PASSWORD, TestRequest, json};

use super::*;
use crate::handler;

fn endpoint() -> Endpoint {
    Endpoint::new(handler::ACCESS, handler::handle, |backend| VerifyEmail {
        policy: SignUpPolicy::Open,
        reauthentication: backend.reauthentication(10),
        link_password: backend.link_password(""),
    })
}

/// Eve, who was invited, and the token in the mail to her.
async fn invited(backend: &Arc<FakeBackend>) -> (User, OneTimeToken) {
    let metadata = backend.metadata();
    let new = Invitee {
        id: UserId::new(metadata.now, [5; 10]),
        email: "eve@example.com".parse().unwrap(),
        name: "Evelina".parse().unwrap(),
    };
    let eve = backend.commit(&User::invite(new, &metadata)).await.unwrap();
    let token = OneTimeToken::new(TokenPurpose::Invitation, eve.id, [3; 32]);
    let binding = TokenBinding::of(&eve, token.purpose).unwrap();
    let issue = token.issue(&binding, metadata.now);
    assert!(
        OneTimeTokens::issue(backend.as_ref(), &issue, issue.issued_at)
            .await
            .unwrap()
    );
    (eve, token)
}

async fn accept(backend: &Arc<FakeBackend>, token: &OneTimeToken, password: &str) -> Answer {
    let body = json!({"token": token.encode().expose_secret(), "newPassword": password});
    let request = TestRequest::new("PUT", "/email-verifications").json(&body);
    endpoint().answer(backend, request).await
}

#[tokio::test]
async fn an_invitation_is_accepted_once_by_choosing_a_password() {
    let backend = FakeBackend::new();
    let (eve, token) = invited(&backend).await;
    let answer = accept(&backend, &token, PASSWORD).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let location = format!("/users/{}", eve.id);
    assert_eq!(answer.header("location"), Some(&*location));
    assert_eq!(answer.body["user"]["emailVerified"], true);
    assert!(answer.body["refreshToken"].is_string());
    let eve = backend.user(eve.id).unwrap();
    assert_eq!(eve.standing, Standing::Settled);
    let kinds: Vec<_> = backend.outbox().iter().map(|event| event.kind).collect();
    let expected = [
        EventKind::UserInvited,
        EventKind::UserPasswordChanged,
        EventKind::SessionStarted,
    ];
    assert_eq!(kinds, expected);
    let again = accept(&backend, &token, PASSWORD).await;
    assert_eq!(again.status, 204, "told again, without a session");
    let other = accept(&backend, &token, "plain granite kettle 47").await;
    assert_eq!(other.problem(), (410, "token-expired"));
}

#[tokio::test]
async fn after_a_weak_password_the_link_stays_good() {
    let backend = FakeBackend::new();
    let (_, token) = invited(&backend).await;
    let weak = accept(&backend, &token, "eve@example.com").await;
    assert_eq!(weak.invalid_fields(), [("/newPassword", "too-weak")]);
    assert_eq!(accept(&backend, &token, PASSWORD).await.status, 201);
}

#[tokio::test]
async fn the_link_alone_confirms_nothing() {
    let backend = FakeBackend::new();
    let (eve, token) = invited(&backend).await;
    let body = json!({"token": token.encode().expose_secret()});
    let request = TestRequest::new("PUT", "/email-verifications").json(&body);
    let answer = endpoint().answer(&backend, request).await;
    assert_eq!(answer.problem(), (401, "proof-required"));
    assert_eq!(backend.user(eve.id), Some(eve));
}
