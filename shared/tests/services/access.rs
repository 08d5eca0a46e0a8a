use std::{sync::Arc, time::Duration};

use application::ports::{Clock as _, SessionRepository};
use domain::{
    Role, Roles, Session,
    audit::Trace,
    event::EndReason,
    session::{RECENT, SESSION_LIFETIME},
};
use lambda::http::{Access, Authenticator, Request, StatusCode, answer, response};
use testing::{Answer, CLIENT_IP, FakeBackend, Person, TestRequest, json};

const LAG: Duration = Duration::from_secs(5);
const INSTANT: Duration = Duration::from_micros(1);

fn recent_or_password() -> Access {
    Access::OWNER.recent_or_password()
}

struct Process {
    backend: Arc<FakeBackend>,
    authenticator: Authenticator,
    ann: Person,
}

impl Process {
    async fn new() -> Self {
        let backend = FakeBackend::new();
        let ann = backend.sign_up("Ann", Roles::new()).await;
        backend.clear_trace();
        let authenticator = Authenticator::guarded("", backend.callers()).remembering(LAG);
        Self {
            backend,
            authenticator,
            ann,
        }
    }

    /// Ann calls. Returns the status, and the number of reads of a user for it.
    async fn call(&self, access: Access) -> (u16, usize) {
        self.call_with(access, &self.ann.token).await
    }

    async fn call_with(&self, access: Access, token: &str) -> (u16, usize) {
        let answer = self.answer(access, token).await;
        let calls = self.backend.trace();
        let reads = |name| calls.iter().filter(|call| **call == name).count();
        assert_eq!(reads("users.find"), reads("sessions.find"), "both or none");
        (answer.status, reads("users.find"))
    }

    async fn answer(&self, access: Access, token: &str) -> Answer {
        self.backend.clear_trace();
        let request = TestRequest::new("GET", "/users/{id}")
            .id("me")
            .bearer(token);
        let handle = async |_: Arc<()>, _| response::no_content();
        let request = request.into_raw();
        let answer = answer(access, &self.authenticator, Arc::new(()), &handle, request).await;
        Answer::new(&answer)
    }

    /// Ann signs out.
    async fn end_session(&self) {
        let (user, id) = (self.ann.id, self.ann.session_id);
        let metadata = self.backend.metadata();
        let event = Session::ended(user, id, EndReason::SignedOut, &metadata);
        let sessions: &dyn SessionRepository = self.backend.as_ref();
        let from = Trace::default();
        assert!(sessions.end(user, id, &event, &from).await.unwrap());
    }

    fn tamper(&self, change: impl FnOnce(&mut domain::User)) {
        self.backend.tamper(self.ann.id, change);
    }
}

#[tokio::test]
async fn a_caller_is_looked_up_once_in_a_while() {
    let process = Process::new().await;
    assert_eq!(process.call(Access::OWNER).await, (204, 1));
    process.backend.advance(LAG.saturating_sub(INSTANT));
    assert_eq!(process.call(Access::CALLER).await, (204, 0));
    process.backend.advance(INSTANT);
    assert_eq!(process.call(Access::OWNER).await, (204, 1));
}

#[tokio::test]
async fn a_deactivated_users_token_dies_within_the_lag() {
    let process = Process::new().await;
    process.call(Access::CALLER).await;
    process.tamper(|user| user.active = false);
    process.backend.advance(LAG.saturating_sub(INSTANT));
    assert_eq!(process.call(Access::CALLER).await.0, 204);
    process.backend.advance(INSTANT);
    assert_eq!(process.call(Access::CALLER).await.0, 401);
    process.tamper(|user| user.active = true);
    assert_eq!(process.call(Access::CALLER).await.0, 204, "at once");
}

#[tokio::test]
async fn an_ended_epoch_dies_within_the_lag_and_a_new_one_counts_at_once() {
    let process = Process::new().await;
    process.call(Access::CALLER).await;
    process.tamper(|user| user.auth_epoch = 1);
    let ann = process.backend.user(process.ann.id).unwrap();
    let (old, new) = (
        &process.ann.token,
        process.backend.sign_in(&ann).await.token,
    );
    assert_eq!(process.call_with(Access::CALLER, old).await.0, 204);
    assert_eq!(process.call_with(Access::CALLER, &new).await, (204, 1));
    process.backend.advance(LAG);
    assert_eq!(process.call_with(Access::CALLER, old).await, (401, 1));
}

#[tokio::test]
async fn an_ended_sessions_token_dies_within_the_lag_and_no_other() {
    let process = Process::new().await;
    let ann = process.backend.user(process.ann.id).unwrap();
    let phone = process.backend.sign_in(&ann).await;
    process.call(Access::CALLER).await;
    process.call_with(Access::CALLER, &phone.token).await;
    process.end_session().await;
    process.backend.advance(LAG.saturating_sub(INSTANT));
    assert_eq!(process.call(Access::CALLER).await, (204, 0));
    process.backend.advance(INSTANT);
    assert_eq!(process.call(Access::CALLER).await, (401, 1));
    let other = process.call_with(Access::CALLER, &phone.token).await;
    assert_eq!(other, (204, 1));
}

#[tokio::test]
async fn a_session_that_ran_out_lets_nobody_in() {
    let process = Process::new().await;
    process.backend.advance(SESSION_LIFETIME);
    assert_eq!(process.call(Access::CALLER).await, (401, 1));
}

#[tokio::test]
async fn a_recent_sign_in_is_one_of_the_last_fifteen_minutes() {
    let process = Process::new().await;
    let recent = Access::OWNER.recent();
    process.backend.advance(RECENT.saturating_sub(INSTANT));
    assert_eq!(process.call(recent).await.0, 204);
    process.backend.advance(INSTANT);
    let refused = process.answer(recent, &process.ann.token).await;
    assert_eq!(refused.problem(), (401, "recent-sign-in-required"));
    assert_eq!(
        refused.header("www-authenticate"),
        Some("Bearer error=\"insufficient_user_authentication\", max_age=\"900\"")
    );
    let others = [
        Access::OWNER,
        recent_or_password(),
        Access::OWNER_OR_ADMIN.recent_by_role(),
    ];
    for access in others {
        assert_eq!(process.call(access).await.0, 204, "{access:?}");
    }
}

#[tokio::test]
async fn a_recent_sign_in_is_demanded_of_those_whom_a_role_lets_in() {
    let process = Process::new().await;
    process.tamper(|user| {
        user.roles.insert(Role::admin());
    });
    let old = &process.ann.old_token;
    let of_anyone = Access::ANYONE_OR_CALLER.recent_by_role();
    assert_eq!(process.call_with(of_anyone, old).await.0, 401);
    assert_eq!(process.call(of_anyone).await.0, 204);
    let own = Access::OWNER_OR_ADMIN.recent_by_role();
    assert_eq!(process.call_with(own, old).await.0, 204, "one's own");
    process.tamper(|user| user.roles.clear());
    assert_eq!(process.call_with(of_anyone, old).await.0, 204);
}

#[tokio::test]
async fn where_a_recent_sign_in_is_demanded_memory_is_not_enough() {
    let process = Process::new().await;
    process.call(Access::OWNER).await;
    process.end_session().await;
    assert_eq!(process.call(Access::OWNER).await, (204, 0));
    let by_role = Access::OWNER_OR_ADMIN.recent_by_role();
    assert_eq!(process.call(by_role).await, (204, 0), "not of the owner");
    assert_eq!(process.call(recent_or_password()).await, (401, 1));
    assert_eq!(process.call(Access::OWNER.recent()).await, (401, 1));
}

/// The password, or a mailed link, counts beside the token.
#[tokio::test]
async fn where_more_than_a_token_is_demanded_memory_is_not_enough() {
    for access in [Access::OWNER.repeatable(), Access::ANYONE_OR_CALLER] {
        let process = Process::new().await;
        assert_eq!(process.call(access).await, (204, 1));
        assert_eq!(process.call(access).await, (204, 1));
        process.end_session().await;
        assert_eq!(process.call(Access::OWNER).await, (204, 0));
        assert_eq!(process.call(access).await, (401, 1), "{access:?}");
    }
}

#[tokio::test]
async fn a_role_is_gained_at_once_and_lost_within_the_lag() {
    let process = Process::new().await;
    assert_eq!(
        process.call(Access::ADMIN).await,
        (403, 1),
        "one look is enough"
    );
    assert_eq!(
        process.call(Access::ADMIN).await,
        (403, 1),
        "a refusal is never from memory"
    );
    process.tamper(|user| {
        user.roles.insert(Role::admin());
    });
    assert_eq!(process.call(Access::ADMIN).await.0, 204);
    process.backend.advance(LAG);
    assert_eq!(process.call(Access::ADMIN).await, (204, 1));
    process.tamper(|user| user.roles.clear());
    assert_eq!(process.call(Access::ADMIN).await, (204, 0));
    process.backend.advance(LAG);
    assert_eq!(process.call(Access::ADMIN).await, (403, 1));
}

#[tokio::test]
async fn without_a_lag_everybody_is_looked_up() {
    let mut process = Process::new().await;
    let authenticator = Authenticator::guarded("", process.backend.callers());
    process.authenticator = authenticator.remembering(Duration::ZERO);
    for _ in 0..2 {
        assert_eq!(process.call(Access::CALLER).await, (204, 1));
    }
}

/// SHA-256 of `back end`.
const PROXY: &str = "87743f77bb63ea4862168a24557cbeb3d8d30736916bc7d1ea8f43ff6f1c1107";

/// What limits count, and sessions and the trail show.
#[tokio::test]
async fn the_client_is_whom_a_trusted_proxy_names() {
    let authenticator = Authenticator::open("").behind(PROXY.parse().unwrap());
    let handle = async |_: Arc<()>, request: Request| {
        let origin = request.origin();
        response::json(
            StatusCode::OK,
            &json!({"ip": origin.client_ip, "agent": origin.user_agent}),
        )
    };
    let client = async |secret: &str| {
        let request = TestRequest::new("GET", "/")
            .header("roster-proxy-secret", secret)
            .header("roster-client-address", "198.51.100.7")
            .header("user-agent", &"é".repeat(600));
        let request = request.into_raw();
        let who = Access::ANYONE;
        Answer::new(&answer(who, &authenticator, Arc::new(()), &handle, request).await)
    };
    let named = client("back end").await;
    assert_eq!(named.body["ip"], "198.51.100.7");
    assert_eq!(named.body["agent"], "é".repeat(256));
    assert_eq!(client("wrong").await.problem(), (400, "malformed"));
    let own = TestRequest::new("GET", "/").into_raw();
    let own = answer(Access::ANYONE, &authenticator, Arc::new(()), &handle, own).await;
    assert_eq!(
        Answer::new(&own).body,
        json!({"ip": CLIENT_IP, "agent": "test"})
    );
}

#[tokio::test]
async fn an_idempotency_key_has_1_to_255_visible_characters() {
    let handle = async |_: Arc<()>, request: Request| {
        let key = request.idempotency_key()?;
        response::json(StatusCode::OK, &key.is_some())
    };
    let authenticator = Authenticator::open("");
    for (key, is_taken) in [
        ("a", true),
        (&*"a".repeat(255), true),
        (&*"a".repeat(256), false),
        ("", false),
        ("a b", false),
    ] {
        let request = TestRequest::new("POST", "/").header("idempotency-key", key);
        let request = request.into_raw();
        let who = Access::ANYONE;
        let answer = answer(who, &authenticator, Arc::new(()), &handle, request).await;
        let answer = Answer::new(&answer);
        let code = answer.invalid_fields().first().map(|(_, code)| *code);
        let expected = (!is_taken).then_some("invalid-key");
        assert_eq!(
            (answer.status == 200, code),
            (is_taken, expected),
            "{key:?}"
        );
    }
}

/// Also if the key that signed the token is still there.
#[tokio::test]
async fn a_session_of_before_the_epoch_is_over_within_the_lag() {
    let process = Process::new().await;
    assert_eq!(process.call(Access::OWNER).await.0, 204);
    process.backend.advance(INSTANT);
    process.backend.begin_epoch(process.backend.now());
    process.backend.advance(LAG);
    assert_eq!(process.call(Access::OWNER).await.0, 401);
    let ann = process.backend.user(process.ann.id).unwrap();
    let again = process.backend.sign_in(&ann).await;
    assert_eq!(process.call_with(Access::OWNER, &again.token).await.0, 204);
}
