use secrecy::ExposeSecret as _;
use shared::{
    application::{
        devices::DeviceProof,
        ports::{Clock as _, TokenVerifier as _},
    },
    domain::{
        EventKind, PasswordHash, Roles, SecretPurpose,
        device::{Device, PresentedDevice},
        session::{REFRESH_GRACE, SESSION_LIFETIME},
        turns::PUBLISH_AHEAD,
    },
};
use testing::{Answer, Endpoint, FakeBackend, Person, TestRequest, Value, json};

use super::*;
use crate::handler;

/// Ann, who is signed in, and her refresh token.
struct Ann {
    person: Person,
    token: String,
}

async fn ann(backend: &Arc<FakeBackend>) -> Ann {
    let person = backend.sign_up("Ann", Roles::new()).await;
    let key = backend.session_tokens().refresh_key().await.unwrap();
    let token = session(backend, &person).refresh_token(&key).encode();
    backend.clear_trace();
    Ann {
        person,
        token: token.expose_secret().to_owned(),
    }
}

fn session(backend: &FakeBackend, person: &Person) -> Session {
    backend.sessions_of(person.id).remove(0)
}

async fn post(backend: &Arc<FakeBackend>, body: &Value) -> Answer {
    let request = TestRequest::new("POST", "/sessions/refresh").json(body);
    let endpoint = Endpoint::new(handler::ACCESS, handler::handle, |backend| RefreshSession {
        audiences: "billing,reports".parse().unwrap(),
        users: backend.clone(),
        sessions: backend.clone(),
        session_tokens: backend.session_tokens(),
        devices: backend.devices(),
        per_session: Limit::hourly(REFRESHES),
        env: backend.env(),
    });
    endpoint.answer(backend, request).await
}

async fn refresh(backend: &Arc<FakeBackend>, token: &str) -> Answer {
    post(backend, &json!({"refreshToken": token})).await
}

fn successor(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    answer.body["refreshToken"].as_str().unwrap().to_owned()
}

/// Refreshes of a session, an hour.
const REFRESHES: u32 = 20;

const INVALID: (u16, &str) = (401, "invalid-refresh-token");

#[tokio::test]
async fn a_session_goes_on() {
    let backend = FakeBackend::new();
    let ann = ann(&backend).await;
    backend.advance(Duration::from_hours(1));
    let answer = refresh(&backend, &ann.token).await;
    assert_eq!(
        backend.trace(),
        [
            "secrets.get_or_put",
            "users.find",
            "sessions.find",
            "sessions.rotate",
            "tokens.sign"
        ]
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_ne!(successor(&answer), ann.token);
    assert_eq!(answer.body["user"]["id"], json!(ann.person.id));
    let access = answer.body["accessToken"].as_str().unwrap();
    let claims = backend.verify("", access).await.unwrap().unwrap();
    assert_eq!(claims.session_id, ann.person.session_id);
    let session = session(&backend, &ann.person);
    assert_eq!(
        (session.generation, session.last_used_at),
        (1, backend.now())
    );
}

#[tokio::test]
async fn a_lost_answer_is_given_again_and_later_ends_the_session() {
    let backend = FakeBackend::new();
    let Ann { person, token } = ann(&backend).await;
    let first = successor(&refresh(&backend, &token).await);
    backend.advance(REFRESH_GRACE.saturating_sub(Duration::from_micros(1)));
    assert_eq!(successor(&refresh(&backend, &token).await), first);
    assert_eq!(session(&backend, &person).generation, 1);
    backend.advance(Duration::from_micros(1));
    let refused = refresh(&backend, &token).await;
    assert_eq!(refused.problem(), INVALID);
    assert_eq!(
        refused.header("www-authenticate"),
        Some("Password realm=\"roster\"")
    );
    let event = backend.outbox().pop().unwrap();
    assert_eq!(event.kind, EventKind::SessionEnded);
    assert_eq!(event.data.session_id, Some(person.session_id));
    assert_eq!(event.data.reason, Some(EndReason::TokenReused));
    // The thief and the owner are both out.
    assert_eq!(refresh(&backend, &first).await.problem(), INVALID);
}

#[tokio::test]
async fn a_refresh_token_is_bound_to_no_audience() {
    let backend = FakeBackend::new();
    let Ann { person, token } = ann(&backend).await;
    let ask = async |token: &str, audience: &str| {
        post(
            &backend,
            &json!({"refreshToken": token, "audience": audience}),
        )
        .await
    };
    // A wrong name costs nothing: the token stays good.
    let unknown = ask(&token, "wages").await;
    assert_eq!(
        unknown.invalid_fields(),
        [("/audience", "unknown-audience")]
    );
    assert_eq!(session(&backend, &person).generation, 0);

    // The answer got lost; whatever the repetition asks for, the session goes on in one chain.
    let billing = ask(&token, "billing").await;
    let reports = ask(&token, "reports").await;
    let own = refresh(&backend, &token).await;
    let next = successor(&billing);
    assert_eq!((&successor(&reports), &successor(&own)), (&next, &next));
    assert_eq!(session(&backend, &person).generation, 1);
    for (answer, is_for_us) in [(billing, false), (reports, false), (own, true)] {
        let access = answer.body["accessToken"].as_str().unwrap();
        let claims = backend.verify("", access).await.unwrap();
        assert_eq!(claims.is_some(), is_for_us, "{access}");
    }
    successor(&refresh(&backend, &next).await);
}

/// Two tabs share their tokens, and one of them reads late what the other wrote.
#[tokio::test]
async fn a_token_whose_successor_was_used_costs_nothing_but_the_answer() {
    let backend = FakeBackend::new();
    let Ann { person, token } = ann(&backend).await;
    let second = successor(&refresh(&backend, &token).await);
    backend.advance(Duration::from_secs(10));
    let third = successor(&refresh(&backend, &second).await);
    for _ in 0..2 {
        let refused = refresh(&backend, &token).await;
        assert_eq!(refused.problem(), (409, "refresh-superseded"));
        assert!(!refused.body.to_string().contains("Token\""), "no token");
    }
    let fourth = successor(&refresh(&backend, &third).await);
    let kinds = backend.outbox().into_iter().map(|event| event.kind);
    assert!(
        !kinds
            .into_iter()
            .any(|kind| kind == EventKind::SessionEnded)
    );
    // Being told so did not lengthen the token's time.
    backend.advance(REFRESH_GRACE.saturating_sub(Duration::from_secs(10)));
    assert_eq!(refresh(&backend, &token).await.problem(), INVALID);
    assert!(session(&backend, &person).ended_at.is_some());
    assert_eq!(refresh(&backend, &fourth).await.problem(), INVALID);
}

#[tokio::test]
async fn what_is_no_token_of_a_live_session_is_refused_alike() {
    let backend = FakeBackend::new();
    let Ann { person, token } = ann(&backend).await;
    let other = ("A".repeat(22) + &token[22..], "B".repeat(91));
    let forged = format!("{}{}", &token[..token.len() - 6], "AAAAAA");
    for wrong in ["", "x", &other.0, &other.1, &forged] {
        let refused = refresh(&backend, wrong).await;
        assert_eq!(refused.problem(), INVALID, "{wrong}");
    }
    assert_eq!(session(&backend, &person).ended_at, None, "nobody ended it");
    for (active, epoch) in [(false, 0), (true, 1)] {
        backend.tamper(person.id, |user| {
            user.active = active;
            user.auth_epoch = epoch;
        });
        assert_eq!(refresh(&backend, &token).await.problem(), INVALID);
    }
    backend.tamper(person.id, |user| user.auth_epoch = 0);
    backend.advance(SESSION_LIFETIME);
    let refused = refresh(&backend, &token).await;
    assert_eq!(refused.problem(), INVALID, "expired");
}

#[tokio::test]
async fn wrong_fields_are_pointed_at() {
    let answer = post(&FakeBackend::new(), &json!({"token": 1})).await;
    let wrong = [("/refreshToken", "required"), ("/token", "unknown-field")];
    assert_eq!(answer.invalid_fields(), wrong);
}

#[tokio::test]
async fn fifty_at_once_get_one_successor() {
    let backend = FakeBackend::new();
    let Ann { person, token } = ann(&backend).await;
    let all = futures::future::join_all((0..50).map(|_| refresh(&backend, &token))).await;
    let successors: std::collections::BTreeSet<_> = all.iter().map(successor).collect();
    let generation = session(&backend, &person).generation;
    assert_eq!((successors.len(), generation), (1, 1));
}

/// The client repeats its request with the token that it has, and goes on.
#[tokio::test]
async fn a_refresh_survives_every_fault() {
    let tried = FakeBackend::try_every_fault(async |fault| {
        let backend = FakeBackend::new();
        let Ann { person, token } = ann(&backend).await;
        let (_, happened) = backend.with_fault(fault, refresh(&backend, &token)).await;
        let next = successor(&refresh(&backend, &token).await);
        successor(&refresh(&backend, &next).await);
        assert_eq!(session(&backend, &person).generation, 2, "{fault:?}");
        happened
    })
    .await;
    assert_eq!(tried, 4 * 5, "five calls, each with four faults");
}

/// A stolen token that comes again ends the session, by one event.
#[tokio::test]
async fn the_end_survives_every_fault() {
    let tried = FakeBackend::try_every_fault(async |fault| {
        let backend = FakeBackend::new();
        let Ann { person, token } = ann(&backend).await;
        successor(&refresh(&backend, &token).await);
        backend.advance(REFRESH_GRACE);
        let (_, happened) = backend.with_fault(fault, refresh(&backend, &token)).await;
        let refused = refresh(&backend, &token).await;
        assert_eq!(refused.problem(), INVALID, "{fault:?}");
        assert!(session(&backend, &person).ended_at.is_some(), "{fault:?}");
        let ends = backend.outbox().into_iter();
        let ends = ends.filter(|event| event.kind == EventKind::SessionEnded);
        assert_eq!(ends.count(), 1, "{fault:?}");
        happened
    })
    .await;
    assert_eq!(tried, 4 * 4, "four calls, each with four faults");
}

/// The device becomes known again in the session which changed the password and went on.
#[tokio::test]
async fn a_session_that_outlives_its_password_gets_another_device_token() {
    let backend = FakeBackend::new();
    let Ann { person, token } = ann(&backend).await;
    let first = refresh(&backend, &token).await;
    assert!(
        first.body.get("deviceToken").is_none(),
        "that of the sign-in is good"
    );
    let change = |user: &User, metadata: &_| {
        Ok(user.change_password(PasswordHash::from_phc("$new"), metadata))
    };
    let user = backend.change(person.id, change).await;
    let sessions: &dyn SessionRepository = backend.as_ref();
    let kept = sessions.confirm(user.id, person.session_id, user.auth_epoch);
    kept.await.unwrap();

    let second = refresh(&backend, &successor(&first)).await;
    // The answer got lost.
    let again = refresh(&backend, &successor(&first)).await;
    let third = refresh(&backend, &successor(&second)).await;
    for answer in [second, again, third] {
        let raw = answer.body["deviceToken"].as_str().unwrap();
        let token = raw.parse::<PresentedDevice>().unwrap().0.unwrap();
        let (devices, proof) = (backend.devices(), DeviceProof::Token(token));
        let recognized = devices.recognize(&proof, &user.email).await;
        let device = Device::of_session(user.id, person.session_id);
        assert_eq!(recognized.unwrap(), Some(device), "no new guesses");
    }
}

/// The token stays good: a client that loops does not lose its session.
#[tokio::test]
async fn refreshes_of_one_session_have_a_limit() {
    let backend = FakeBackend::new();
    let mut token = ann(&backend).await.token;
    for _ in 0..REFRESHES {
        token = successor(&refresh(&backend, &token).await);
    }
    backend.clear_trace();
    let refused = refresh(&backend, &token).await;
    assert_eq!(refused.problem(), (429, "too-many-requests"));
    assert_eq!(refused.header("retry-after"), Some("3600"));
    assert!(
        !backend.trace().contains(&"sessions.rotate"),
        "nothing is written"
    );
    backend.advance(std::time::Duration::from_hours(1));
    successor(&refresh(&backend, &token).await);
}

/// The secret of refresh tokens takes turns: a token of the version before is exchanged for one of the
/// present version, until nothing of the old one can be good any more.
#[tokio::test]
async fn a_token_is_good_across_a_rotation_of_the_secret() {
    let backend = FakeBackend::new();
    let ann = ann(&backend).await;
    let mut token = ann.token;
    for _ in 0..5 {
        backend.advance(SESSION_LIFETIME / 3);
        backend.rotate_secret(SecretPurpose::Refresh);
        backend.advance(PUBLISH_AHEAD);
        token = successor(&refresh(&backend, &token).await);
    }
}

#[tokio::test]
async fn a_session_of_before_the_epoch_is_not_refreshed() {
    let backend = FakeBackend::new();
    let ann = ann(&backend).await;
    let sessions = backend.outbox().len();
    backend.advance(Duration::from_secs(1));
    backend.begin_epoch(backend.now());
    assert_eq!(refresh(&backend, &ann.token).await.problem(), INVALID);
    assert_eq!(backend.outbox().len(), sessions, "it had ended");
}

/// Whoever read the secret and the nonces made tokens of every session: they are of no use.
#[tokio::test]
async fn a_token_of_a_replaced_secret_is_void() {
    let backend = FakeBackend::new();
    let ann = ann(&backend).await;
    backend.replace_secret(SecretPurpose::Refresh);
    assert_eq!(refresh(&backend, &ann.token).await.problem(), INVALID);
}
