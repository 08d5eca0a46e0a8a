//! Machines call with API keys.

use std::{sync::Arc, time::Duration};

use application::ports::{ApiKeys, Clock as _};
use domain::{ApiKey, ApiKeyId, Role, Roles, api_key::DEFAULT_DAYS};
use lambda::http::{Access, Authenticator, Request, StatusCode, answer, response};
use testing::{Answer, FakeBackend, Fault, TestRequest, json};

const LAG: Duration = Duration::from_secs(5);
const INSTANT: Duration = Duration::from_micros(1);
const DAY: Duration = Duration::from_hours(24);

/// A process, and a machine that calls it.
struct Process {
    backend: Arc<FakeBackend>,
    authenticator: Authenticator,
    key: ApiKey,
    token: String,
}

impl Process {
    async fn new(role: Role) -> Self {
        let backend = FakeBackend::new();
        let (key, token) = backend.add_api_key(&role).await;
        let authenticator = Authenticator::guarded("", backend.callers())
            .with_keys(backend.machines())
            .remembering(LAG);
        Self {
            backend,
            authenticator,
            key,
            token,
        }
    }

    /// The machine calls. Returns the status, and the names of the calls it took.
    async fn call(&self, access: Access) -> (u16, Vec<&'static str>) {
        let answer = self.call_with(access, &self.token).await;
        (answer.status, self.backend.trace())
    }

    /// The answer to a call with this token says who called.
    async fn call_with(&self, access: Access, token: &str) -> Answer {
        self.backend.clear_trace();
        let request = TestRequest::new("GET", "/users/{id}")
            .id("me")
            .bearer(token);
        let handle = async |_: Arc<()>, request: Request| {
            let body = json!({
                "actor": request.origin().actor,
                "isUser": request.caller.is_some(),
                "authority": request.authority(),
                "me": request.user_id().is_ok(),
            });
            response::json(StatusCode::OK, &body)
        };
        let request = request.into_raw();
        let answer = answer(access, &self.authenticator, Arc::new(()), &handle, request).await;
        Answer::new(&answer)
    }

    async fn revoke(&self) {
        let event = ApiKey::revoked(self.key.id, &self.backend.metadata());
        let keys: &dyn ApiKeys = self.backend.as_ref();
        assert!(keys.revoke(self.key.id, &event).await.unwrap());
    }

    fn last_used_on(&self) -> Option<String> {
        self.backend.api_keys().remove(0).last_used_on
    }
}

#[tokio::test]
async fn a_machine_is_known_by_its_key_and_is_no_user() {
    let process = Process::new(Role::support()).await;
    let answer = process.call_with(Access::READER, &process.token).await;
    let expected = json!({
        "actor": format!("api-key:{}", process.key.id), "isUser": false,
        "authority": "support", "me": false,
    });
    assert_eq!((answer.status, answer.body), (200, expected));
}

#[tokio::test]
async fn a_key_opens_what_its_role_opens_and_nothing_of_users_or_administrators() {
    let closed = [
        Access::ANYONE_OR_CALLER,
        Access::CALLER,
        Access::OWNER,
        Access::OWNER.recent(),
        Access::OWNER_OR_ADMIN,
        Access::ADMIN,
        Access::ADMIN.recent(),
    ];
    let of_readers = [Access::READER, Access::OWNER_OR_READER];
    let of_support = [
        Access::ANYONE_OR_SUPPORT,
        Access::SUPPORT,
        Access::OWNER_OR_SUPPORT,
        // Of a machine no recent sign-in is demanded: it has none.
        Access::SUPPORT.recent(),
        Access::OWNER_OR_SUPPORT.recent_by_role(),
    ];
    for (role, may_read, may_support) in [
        (Role::service(), 403, 403),
        (Role::reader(), 200, 403),
        (Role::support(), 200, 200),
    ] {
        let process = Process::new(role.clone()).await;
        assert_eq!(process.call(Access::ANYONE).await.0, 200);
        for access in closed {
            let (status, calls) = process.call(access).await;
            assert_eq!(
                (status, calls.len()),
                (403, 0),
                "{role} {access:?}: not even read"
            );
        }
        for access in of_readers {
            assert_eq!(process.call(access).await.0, may_read, "{role} {access:?}");
        }
        process.backend.advance(Duration::from_mins(1));
        for access in of_support {
            assert_eq!(
                process.call(access).await.0,
                may_support,
                "{role} {access:?}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_no_good_token_is_refused_and_a_wrong_checksum_costs_no_read() {
    let process = Process::new(Role::reader()).await;
    let (other, _) = process.backend.add_api_key(&Role::reader()).await;
    let unknown = ApiKeyId::new(process.backend.now(), [9; 10]);
    let forged = |id: ApiKeyId| {
        use domain::ApiKeyToken;
        use secrecy::ExposeSecret as _;
        ApiKeyToken::new(id, [7; 32])
            .encode()
            .expose_secret()
            .to_owned()
    };
    let mut mistyped = process.token.clone();
    mistyped.replace_range(20..21, if &mistyped[20..21] == "0" { "1" } else { "0" });
    for (token, reads) in [
        (mistyped, 0),
        ("roster_key_".to_owned(), 0),
        (forged(process.key.id), 1),
        (forged(other.id), 1),
        (forged(unknown), 1),
    ] {
        let answer = process.call_with(Access::READER, &token).await;
        assert_eq!(answer.problem(), (401, "unauthenticated"), "{token}");
        assert_eq!(
            process.backend.trace().len(),
            reads,
            "{token}: and no count"
        );
    }
}

#[tokio::test]
async fn a_revoked_key_dies_within_the_lag_and_an_expired_one_at_once() {
    let process = Process::new(Role::reader()).await;
    assert_eq!(process.call(Access::READER).await.0, 200);
    process.revoke().await;
    process.backend.advance(LAG.saturating_sub(INSTANT));
    assert_eq!(process.call(Access::READER).await.0, 200);
    process.backend.advance(INSTANT);
    assert_eq!(process.call(Access::READER).await.0, 401);

    let process = Process::new(Role::reader()).await;
    process
        .backend
        .advance((u32::from(DEFAULT_DAYS) * DAY).saturating_sub(INSTANT));
    assert_eq!(process.call(Access::READER).await.0, 200);
    process.backend.advance(INSTANT);
    assert_eq!(
        process.call(Access::READER).await.0,
        401,
        "also from memory"
    );
}

#[tokio::test]
async fn a_call_costs_a_read_once_in_a_while_a_count_and_a_note_a_day() {
    let process = Process::new(Role::reader()).await;
    assert_eq!(process.last_used_on(), None);
    let first = vec!["api_keys.find", "attempts.spend", "api_keys.note_use"];
    assert_eq!(process.call(Access::READER).await, (200, first));
    assert_eq!(process.last_used_on().as_deref(), Some("2026-01-01"));
    assert_eq!(
        process.call(Access::READER).await,
        (200, vec!["attempts.spend"])
    );
    process.backend.advance(LAG);
    let later = vec!["api_keys.find", "attempts.spend"];
    assert_eq!(process.call(Access::READER).await, (200, later));
    process.backend.advance(DAY);
    let next_day = vec!["api_keys.find", "attempts.spend", "api_keys.note_use"];
    assert_eq!(process.call(Access::READER).await, (200, next_day));
    assert_eq!(process.last_used_on().as_deref(), Some("2026-01-02"));
}

#[tokio::test]
async fn a_note_that_fails_stops_nobody_and_is_tried_again() {
    let process = Process::new(Role::reader()).await;
    let fault = Fault::Fail(2);
    let call = process.call(Access::READER);
    let (answer, happened) = Box::pin(process.backend.with_fault(fault, call)).await;
    assert_eq!((answer.map(|answer| answer.0), happened), (Some(200), true));
    assert_eq!(process.last_used_on(), None);
    assert_eq!(process.call(Access::READER).await.0, 200);
    assert!(process.last_used_on().is_some());
}

#[tokio::test]
async fn each_key_has_a_limit_of_its_own() {
    let process = Process::new(Role::reader()).await;
    let (_, other) = process.backend.add_api_key(&Role::reader()).await;
    for _ in 0..10 {
        assert_eq!(process.call(Access::READER).await.0, 200);
    }
    let limited = process.call_with(Access::READER, &process.token).await;
    assert_eq!(limited.problem(), (429, "too-many-requests"));
    assert_eq!(limited.header("retry-after"), Some("60"));
    assert_eq!(process.call_with(Access::READER, &other).await.status, 200);
    process.backend.advance(Duration::from_mins(1));
    assert_eq!(process.call(Access::READER).await.0, 200);
}

#[tokio::test]
async fn a_user_with_a_role_may_what_a_key_of_it_may() {
    let process = Process::new(Role::reader()).await;
    for (role, may_read, may_support) in [
        (Role::service(), 403, 403),
        (Role::reader(), 200, 403),
        (Role::support(), 200, 200),
        (Role::admin(), 200, 200),
    ] {
        let person = process
            .backend
            .sign_up(role.as_str(), Roles::from([role.clone()]))
            .await;
        let call = async |access| process.call_with(access, &person.token).await.status;
        assert_eq!(call(Access::READER).await, may_read, "{role}");
        assert_eq!(call(Access::SUPPORT).await, may_support, "{role}");
        assert_eq!(
            call(Access::OWNER_OR_SUPPORT).await,
            200,
            "{role}: one's own"
        );
    }
}

/// A key of before may have been read where everything was.
#[tokio::test]
async fn a_key_of_before_the_epoch_dies_within_the_lag() {
    let process = Process::new(Role::reader()).await;
    assert_eq!(process.call(Access::READER).await.0, 200);
    process.backend.advance(INSTANT);
    process.backend.begin_epoch(process.backend.now());
    process.backend.advance(LAG);
    assert_eq!(process.call(Access::READER).await.0, 401);
    let (_, token) = process.backend.add_api_key(&Role::reader()).await;
    assert_eq!(process.call_with(Access::READER, &token).await.status, 200);
}
