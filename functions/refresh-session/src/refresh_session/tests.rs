use adapters::jwt::Jwt;
use secrecy::ExposeSecret as _;
use serde_json::json;
use shared::{
    application::{
        ports::{Clock as _, SecretPurpose, TokenVerifier as _},
        shared_secret::SharedSecret,
    },
    domain::{Error, EventKind, Roles, session::REFRESH_GRACE},
    lambda::http::{Request, Response},
};
use testing::{
    FakeBackend, Fault, Person,
    fixture::{Answer, Route},
    sample::Sample,
};

use super::*;
use crate::handler;

fn jwt(backend: &Arc<FakeBackend>) -> Jwt {
    Jwt::new(backend.clone(), backend.env(), "roster")
}

fn service(backend: &Arc<FakeBackend>) -> RefreshSession {
    let secret = SharedSecret::new(SecretPurpose::Refresh, backend.clone(), backend.clone());
    RefreshSession {
        users: backend.clone(),
        sessions: backend.clone(),
        session_tokens: SessionTokens {
            tokens: Arc::new(jwt(backend)),
            refresh_secret: secret,
        },
        env: backend.env(),
    }
}

fn route() -> Route<RefreshSession, impl AsyncFn(Arc<RefreshSession>, Request) -> Response> {
    Route {
        access: handler::ACCESS,
        service,
        handle: handler::handle,
    }
}

/// Ann, who is signed in, and the refresh token she got for that.
async fn ann() -> (Arc<FakeBackend>, Person, String) {
    let backend = FakeBackend::new();
    let ann = backend.sign_up("Ann", Roles::new()).await.unwrap();
    let key = service(&backend)
        .session_tokens
        .refresh_key()
        .await
        .unwrap();
    let token = session(&backend, &ann).refresh_token(&key).encode();
    backend.clear_trace();
    (backend, ann, token.expose_secret().to_owned())
}

fn session(backend: &FakeBackend, person: &Person) -> Session {
    backend.sessions_of(person.id).remove(0)
}

async fn refresh(backend: &Arc<FakeBackend>, token: &str) -> Answer {
    let body = json!({"refreshToken": token});
    let request = Sample::new("POST", "/sessions/refresh").json(&body);
    route().answer(backend, request).await.unwrap()
}

fn successor(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    answer.body["refreshToken"].as_str().unwrap().to_owned()
}

fn command(token: &str) -> Command {
    Command {
        token: token.parse().unwrap(),
        issuer: "https://api.example.com".to_owned(),
        origin: Origin::system("test"),
    }
}

#[tokio::test]
async fn a_session_goes_on() {
    let (backend, ann, token) = ann().await;
    backend.advance(Duration::from_hours(1));
    let answer = refresh(&backend, &token).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_ne!(successor(&answer), token);
    assert_eq!(answer.body["user"]["id"], json!(ann.id));
    let access = answer.body["accessToken"].as_str().unwrap();
    let grant = jwt(&backend)
        .verify("https://api.example.com", access)
        .await;
    assert_eq!(grant.unwrap().unwrap().session_id, ann.session_id);
    let session = session(&backend, &ann);
    assert_eq!(
        (session.generation, session.last_used_at),
        (1, backend.now())
    );
    let calls = backend.trace();
    let calls = calls.iter().filter(|call| !call.starts_with("keys."));
    let calls: Vec<_> = calls.filter(|call| !call.starts_with("secrets.")).collect();
    assert_eq!(calls, [&"users.find", &"sessions.find", &"sessions.rotate"]);
}

#[tokio::test]
async fn a_lost_answer_is_given_again_and_later_ends_the_session() {
    let (backend, ann, token) = ann().await;
    let first = successor(&refresh(&backend, &token).await);
    backend.advance(REFRESH_GRACE.saturating_sub(Duration::from_micros(1)));
    assert_eq!(successor(&refresh(&backend, &token).await), first);
    assert_eq!(session(&backend, &ann).generation, 1);
    backend.advance(Duration::from_micros(1));
    let refused = refresh(&backend, &token).await;
    assert_eq!(refused.problem(), (401, "invalid-refresh-token"));
    assert_eq!(
        refused.header("www-authenticate"),
        Some("Password realm=\"roster\"")
    );
    let event = backend.outbox().pop().unwrap();
    assert_eq!(event.kind, EventKind::SessionEnded);
    assert_eq!(event.data.session_id, Some(ann.session_id));
    assert_eq!(event.data.reason, Some(EndReason::TokenReused));
    // The thief and the owner are both out.
    let refused = refresh(&backend, &first).await;
    assert_eq!(refused.problem(), (401, "invalid-refresh-token"));
}

#[tokio::test]
async fn what_is_no_token_of_a_live_session_is_refused_alike() {
    let (backend, ann, token) = ann().await;
    let other = ("A".repeat(22) + &token[22..], "B".repeat(91));
    let forged = format!("{}{}", &token[..token.len() - 6], "AAAAAA");
    for wrong in ["", "x", &other.0, &other.1, &forged] {
        let refused = refresh(&backend, wrong).await;
        assert_eq!(refused.problem(), (401, "invalid-refresh-token"), "{wrong}");
    }
    assert_eq!(session(&backend, &ann).ended_at, None, "nobody ended it");
    for (active, epoch) in [(false, 0), (true, 1)] {
        backend.tamper(ann.id, |user| {
            user.active = active;
            user.auth_epoch = epoch;
        });
        let refused = refresh(&backend, &token).await;
        assert_eq!(refused.problem(), (401, "invalid-refresh-token"));
    }
    backend.tamper(ann.id, |user| user.auth_epoch = 0);
    backend.advance(shared::domain::session::SESSION_LIFETIME);
    let refused = refresh(&backend, &token).await;
    assert_eq!(refused.problem(), (401, "invalid-refresh-token"), "expired");
}

#[tokio::test]
async fn wrong_fields_are_pointed_at() {
    let (backend, ..) = ann().await;
    let request = Sample::new("POST", "/sessions/refresh").json(&json!({"token": 1}));
    let answer = route().answer(&backend, request).await.unwrap();
    let wrong = [("/refreshToken", "required"), ("/token", "unknown-field")];
    assert_eq!(answer.wrong_fields(), wrong);
}

#[tokio::test]
async fn fifty_at_once_get_one_successor() {
    let (backend, ann, token) = ann().await;
    let all = futures::future::join_all((0..50).map(|_| refresh(&backend, &token))).await;
    let successors: std::collections::BTreeSet<_> = all.iter().map(successor).collect();
    assert_eq!(
        (successors.len(), session(&backend, &ann).generation),
        (1, 1)
    );
}

/// Whatever fails wherever, the client asks again with the token it has, and goes on.
#[tokio::test]
async fn a_refresh_survives_every_fault() {
    let tried = FakeBackend::try_every_fault(async |fault: Fault| {
        let (backend, ann, token) = ann().await;
        let service = service(&backend);
        // What is warm before the first refresh is not what fails here.
        service.session_tokens.refresh_key().await.unwrap();
        let (_, fired) = backend
            .with_fault(fault, service.execute(command(&token)))
            .await;
        let again = service.execute(command(&token)).await.unwrap();
        let next = again.refresh.encode();
        service
            .execute(command(next.expose_secret()))
            .await
            .unwrap();
        assert_eq!(session(&backend, &ann).generation, 2, "{fault:?}");
        fired
    })
    .await;
    assert!(
        tried >= 4 * 3,
        "two reads and a write were each made to fail: {tried}"
    );
}

/// Whatever fails wherever, a stolen token that comes again ends the session, by one event.
#[tokio::test]
async fn the_end_survives_every_fault() {
    let tried = FakeBackend::try_every_fault(async |fault: Fault| {
        let (backend, ann, token) = ann().await;
        let service = service(&backend);
        service.execute(command(&token)).await.unwrap();
        backend.advance(REFRESH_GRACE);
        let (_, fired) = backend
            .with_fault(fault, service.execute(command(&token)))
            .await;
        let refused = service.execute(command(&token)).await;
        assert!(matches!(
            refused,
            Err(Error::Refused(Refusal::InvalidRefreshToken))
        ));
        assert!(session(&backend, &ann).ended_at.is_some(), "{fault:?}");
        let ends = backend.outbox().into_iter();
        let ends = ends.filter(|event| event.kind == EventKind::SessionEnded);
        assert_eq!(ends.count(), 1, "{fault:?}");
        fired
    })
    .await;
    assert_eq!(tried, 4 * 3);
}
