use std::time::Duration;

use shared::{
    application::{ports::Clock as _, sign_in::password::PasswordCredentials},
    domain::{
        Error, Password, Session, audit::Trace, device::PresentedDevice, event::EndReason,
        identity::IdentityProfile, session::RECENT,
    },
    lambda::http::{Access, response},
};
use testing::{
    Answer, CLIENT_IP, Endpoint, FakeBackend, Fixture, PASSWORD, SIGN_INS, TestRequest, Value,
    identity, json,
};

use super::*;
use crate::{
    fresh_identity::{AHEAD, FRESH, FreshIdentity},
    handler,
};

fn service(backend: &Arc<FakeBackend>) -> ProveAgain {
    let oidc = FreshIdentity {
        providers: backend.clone(),
        rate_limiter: backend.sign_in_limiter(10),
        users: backend.clone(),
        clock: backend.clone(),
    };
    let password = backend.password_strategy();
    ProveAgain {
        devices: password.devices.clone(),
        strategies: Strategies {
            password: Arc::new(password),
            oidc: Arc::new(oidc),
        },
        sessions: backend.clone(),
        tokens: backend.clone(),
        ring: backend.known_ring(),
        clock: backend.clone(),
    }
}

fn endpoint() -> Endpoint {
    Endpoint::new(handler::ACCESS, handler::handle, service)
        .request(request(&password_of("ann", PASSWORD)), 200)
        .events(0..=0)
}

fn request(body: &Value) -> TestRequest {
    TestRequest::new("POST", "/sessions/current/proof").json(body)
}

fn password_of(name: &str, password: &str) -> Value {
    json!({"email": format!("{name}@example.com"), "password": password})
}

fn code() -> Value {
    json!({
        "strategy": "oidc",
        "provider": "a",
        "code": "code",
        "codeVerifier": "v".repeat(43),
        "nonce": "n-0123456789abcdef",
        "redirectUri": "https://app.example.com/callback",
    })
}

/// Ann sends this.
async fn prove(fixture: &Fixture, body: &Value) -> Answer {
    fixture.backend.clear_trace();
    endpoint().request(request(body), 200).send(fixture).await
}

fn methods(fixture: &Fixture) -> Vec<String> {
    let sessions = fixture.backend.sessions_of(fixture.ann.id);
    sessions[0].methods.clone()
}

/// Ann, who has the identity `1` at the provider `a`, and signed in long ago.
async fn long_ago() -> Fixture {
    let fixture = Fixture::new().await;
    fixture.backend.offer_provider("a");
    let link = |user: &User, metadata: &_| Ok(user.link(&identity("a", "1"), metadata)?.unwrap());
    fixture.backend.change(fixture.ann.id, link).await;
    fixture.backend.advance(RECENT);
    fixture
}

#[test]
fn users_who_are_signed_in_may() {
    assert_eq!(handler::ACCESS, Access::CALLER);
}

#[tokio::test]
async fn a_password_makes_the_sign_in_recent_again() {
    let fixture = long_ago().await;
    let created = fixture.backend.sessions_of(fixture.ann.id)[0].created_at;
    let answer = prove(&fixture, &password_of("ann", PASSWORD)).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    assert_eq!(answer.body["tokenType"], "Bearer");
    assert_eq!(answer.body["expiresIn"], 600);
    assert!(answer.body.get("refreshToken").is_none());
    let session = fixture.backend.sessions_of(fixture.ann.id).remove(0);
    assert_eq!(session.authenticated_at(), fixture.backend.now());
    assert_eq!((session.created_at, session.generation), (created, 0));
    assert_eq!(methods(&fixture), ["pwd"]);

    let token = answer.body["accessToken"].as_str().unwrap();
    let handle = async |_: Arc<()>, _| response::no_content();
    let recent = Endpoint::new(Access::OWNER.recent(), handle, |_| Arc::new(()));
    let request = || TestRequest::new("DELETE", "/users/{id}").id("me");
    let proven = request().bearer(token);
    assert_eq!(recent.answer(&fixture.backend, proven).await.status, 204);
    let before = request().bearer(&fixture.ann.token);
    let refused = recent.answer(&fixture.backend, before).await;
    assert_eq!(refused.problem(), (401, "recent-sign-in-required"));
}

#[tokio::test]
async fn a_sign_in_at_a_provider_just_now_is_a_proof() {
    let fixture = long_ago().await;
    let sign_in = || {
        let profile = IdentityProfile::default();
        fixture.backend.authorize("a", "1", "code", profile);
    };
    sign_in();
    fixture
        .backend
        .advance(FRESH.saturating_sub(Duration::from_micros(1)));
    assert_eq!(prove(&fixture, &code()).await.status, 200);
    assert_eq!(methods(&fixture), ["pwd", "fed"]);
    sign_in();
    fixture.backend.advance(FRESH);
    let old = prove(&fixture, &code()).await;
    assert_eq!(old.problem(), (401, "invalid-credentials"));
    let late = fixture.backend.now().plus(AHEAD);
    for (time, status) in [
        (None, 401),
        (Some(late), 200),
        (Some(late.plus(Duration::from_micros(1))), 401),
    ] {
        fixture.backend.authorize_at("a", "1", "code", time);
        let answer = prove(&fixture, &code()).await;
        assert_eq!(answer.status, status, "{time:?}: {:?}", answer.body);
    }
}

#[tokio::test]
async fn an_identity_that_is_nobodys_or_anothers_proves_nothing_and_links_nothing() {
    let fixture = long_ago().await;
    let link = |user: &User, metadata: &_| Ok(user.link(&identity("a", "2"), metadata)?.unwrap());
    fixture.backend.change(fixture.bob.id, link).await;
    let users = fixture.backend.users();
    for subject in ["2", "3"] {
        let profile = IdentityProfile {
            email: Some("ann@example.com".parse().unwrap()),
            email_verified: true,
            name: None,
        };
        fixture.backend.authorize("a", subject, "code", profile);
        let answer = prove(&fixture, &code()).await;
        assert_eq!(answer.problem(), (401, "invalid-credentials"), "{subject}");
    }
    assert_eq!(fixture.backend.users(), users);
}

/// Being signed in is no way to guess at others, right guesses included.
#[tokio::test]
async fn another_users_password_proves_nothing_and_spends_a_try() {
    let fixture = long_ago().await;
    for (body, expected) in [
        (password_of("bob", PASSWORD), "another's"),
        (password_of("ann", "wrong"), "a wrong one"),
        (password_of("nobody", PASSWORD), "nobody's"),
    ] {
        let answer = prove(&fixture, &body).await;
        assert_eq!(answer.problem(), (401, "invalid-credentials"), "{expected}");
        let calls = fixture.backend.trace();
        let count = |wanted| calls.iter().filter(|call| **call == wanted).count();
        // A wrong one of the session does not count as a right one.
        let refunds = usize::from(expected == "a wrong one");
        let counts = (count("attempts.spend"), count("attempts.refund"));
        assert_eq!(counts, (2, refunds), "{expected}: {calls:?}");
    }
    for _ in 1..10 {
        prove(&fixture, &password_of("bob", PASSWORD)).await;
    }
    let locked = prove(&fixture, &password_of("bob", PASSWORD)).await;
    assert_eq!(locked.problem(), (429, "too-many-requests"));
    assert_eq!(
        prove(&fixture, &password_of("ann", PASSWORD)).await.status,
        200
    );
}

/// Strangers who use up the guesses at an address do not use up those of a session.
#[tokio::test]
async fn a_lock_of_strangers_leaves_a_proof_open() {
    let fixture = long_ago().await;
    let limiter = fixture.backend.sign_in_limiter(10);
    let (email, origin) = (fixture.ann().email, Origin::system("test"));
    while limiter
        .acquire_guess(&email, None, &origin, async { Ok(None) })
        .await
        .is_ok()
    {}
    let of_ann = |password| password_of("ann", password);
    assert_eq!(prove(&fixture, &of_ann(PASSWORD)).await.status, 200);
    for _ in 0..10 {
        assert_eq!(prove(&fixture, &of_ann("wrong")).await.status, 401);
    }
    assert_eq!(prove(&fixture, &of_ann(PASSWORD)).await.status, 429);
}

/// Nor do those who share the address of a client with them.
#[tokio::test]
async fn a_lock_of_the_source_leaves_a_proof_open() {
    let fixture = long_ago().await;
    let limiter = fixture.backend.sign_in_limiter(10);
    let origin = Origin {
        client_ip: Some(CLIENT_IP.parse().unwrap()),
        ..Origin::system("test")
    };
    for number in 0..100 {
        let email = format!("nobody{number}@example.com").parse().unwrap();
        let no_login = async { Ok(None) };
        let guess = limiter.acquire_guess(&email, None, &origin, no_login);
        drop(guess.await.unwrap());
    }
    let stranger = limiter.acquire(&origin).await;
    assert!(stranger.is_err(), "the source is locked");
    let answer = prove(&fixture, &password_of("ann", PASSWORD)).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
}

#[tokio::test]
async fn a_proof_makes_the_device_a_known_one() {
    let fixture = Fixture::new().await;
    let answer = prove(&fixture, &password_of("ann", PASSWORD)).await;
    let raw = answer.body["deviceToken"].as_str().unwrap();
    let token = raw.parse::<PresentedDevice>().unwrap().0.unwrap();
    let (devices, email) = (
        fixture.backend.devices(),
        "ann@example.com".parse().unwrap(),
    );
    let device = devices.recognize(&DeviceProof::Token(token), &email).await;
    let of_session = Device::of_session(fixture.ann.id, fixture.ann.session_id);
    assert_eq!(device.unwrap(), Some(of_session), "no new guesses");
}

#[tokio::test]
async fn a_session_that_is_over_is_not_proven() {
    let fixture = Fixture::new().await;
    let (user, id) = (fixture.ann.id, fixture.ann.session_id);
    let sessions: &dyn SessionRepository = fixture.backend.as_ref();
    let metadata = fixture.backend.metadata();
    let event = Session::ended(user, id, EndReason::SignedOut, &metadata);
    let from = Trace::default();
    sessions.end(user, id, &event, &from).await.unwrap();
    let answer = prove(&fixture, &password_of("ann", PASSWORD)).await;
    assert_eq!(answer.problem(), (401, "unauthenticated"));
    // A process that remembers the caller lets the request through to the use case.
    let command = Command {
        user_id: user,
        session_id: id,
        credentials: Credentials::Password(PasswordCredentials {
            email: "ann@example.com".parse().unwrap(),
            password: Password::presented(PASSWORD),
            device: None,
        }),
        issuer: String::new(),
        origin: Origin::system("test"),
    };
    let refused = service(&fixture.backend).execute(command).await;
    assert!(matches!(
        refused,
        Err(Error::Refused(Refusal::Unauthenticated))
    ));
}

#[tokio::test]
async fn a_proof_survives_every_fault() {
    let is_done = async |fixture: &Fixture| {
        let session = fixture.backend.sessions_of(fixture.ann.id).remove(0);
        session.authenticated_at() == fixture.backend.now()
    };
    let endpoint = endpoint().given(async |fixture, request| {
        fixture.backend.advance(RECENT);
        request
    });
    let calls = endpoint.survives_every_fault(is_done).await;
    assert!(calls.contains(&"sessions.prove"), "{calls:?}");
}

/// Each costs a hash and a write.
#[tokio::test]
async fn right_proofs_have_a_limit_too() {
    let fixture = Fixture::new().await;
    let body = password_of("ann", PASSWORD);
    for _ in 0..SIGN_INS {
        assert_eq!(prove(&fixture, &body).await.status, 200);
    }
    let refused = prove(&fixture, &body).await;
    assert_eq!(refused.problem(), (429, "too-many-requests"));
    let calls = fixture.backend.trace();
    assert!(!calls.contains(&"hasher.verify"), "{calls:?}");
}
