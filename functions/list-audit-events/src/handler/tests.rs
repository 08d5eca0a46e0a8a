use shared::{
    application::ports::{
        Attempts as _, AuditLog as _, Lock, SessionRepository as _, UserRepository as _,
    },
    domain::{
        DomainEvent, Origin, PasswordHash, Roles, Session, SessionId, User,
        attempt::{AttemptKey, Scope, sign_in_locked},
        audit::{AuditEntry, Trace},
        event::{EndReason, EventMetadata},
        user::NewUser,
    },
};
use testing::{Answer, Endpoint, FakeBackend, Fixture, TestRequest, Value, json};

use super::*;

/// A user who signed up from 192.0.2.1 by `sign-up`, was renamed `renames` times by the system, and
/// signed in from 192.0.2.2 by `sign-in`; all of it is in the trail.
pub(crate) async fn backend_with_ann(renames: usize) -> (Arc<FakeBackend>, UserId) {
    let backend = FakeBackend::new();
    let metadata = metadata(&backend, "192.0.2.1", "sign-up");
    let new = NewUser {
        id: UserId::new(metadata.now, [7; 10]),
        email: "ann@example.com".parse().unwrap(),
        name: "Ann".parse().unwrap(),
        password: PasswordHash::from_phc("hash"),
        roles: Roles::new(),
    };
    let mut ann = backend.commit(&User::create(new, &metadata)).await.unwrap();
    for number in 0..renames {
        let metadata = backend.env().metadata(Origin::system("rename")).unwrap();
        let name = format!("Ann {number}").parse().unwrap();
        ann = backend
            .commit(&ann.rename(name, &metadata).unwrap())
            .await
            .unwrap();
    }
    let metadata = self::metadata(&backend, "192.0.2.2", "sign-in");
    let id = SessionId::new(metadata.now, [8; 10]);
    let (session, event) = Session::start(id, "nonce".to_owned(), &ann, "pwd", false, &metadata);
    backend.start(&session, &event).await.unwrap();
    record_all(&backend).await;
    (backend, ann.id)
}

fn metadata(backend: &Arc<FakeBackend>, address: &str, request: &str) -> EventMetadata {
    backend.advance(std::time::Duration::from_secs(1));
    let origin = Origin {
        actor: Actor::Anonymous,
        client_ip: Some(address.parse().unwrap()),
        ..Origin::system(request)
    };
    backend.env().metadata(origin).unwrap()
}

/// Records all events, as `record-audit` does.
async fn record_all(backend: &Arc<FakeBackend>) {
    for event in backend.outbox() {
        let line = match hash(backend, &event).await {
            Some(hash) => AuditEntry::of_version(&event, hash),
            None => AuditEntry::of_event(&event),
        };
        backend.record(&line).await.unwrap();
    }
}

async fn hash(backend: &Arc<FakeBackend>, event: &DomainEvent) -> Option<Digest> {
    let entry = backend.history_entry(event.user_id?, event.version?).await;
    entry.unwrap().map(|entry| entry.hash)
}

fn endpoint(access: Access) -> Endpoint {
    Endpoint::new(access, handle, |backend| ListAuditEvents {
        users: backend.clone(),
        sessions: backend.clone(),
        attempts: backend.clone(),
        audit: backend.clone(),
        clock: backend.clone(),
    })
}

/// Without the access check: there is no administrator, whose events would be listed too.
async fn list(backend: &Arc<FakeBackend>, query: &str) -> Answer {
    let request = TestRequest::new("GET", "/audit-events").query(query);
    endpoint(Access::ANYONE).answer(backend, request).await
}

fn kinds(body: &Value) -> Vec<&str> {
    let lines = body["data"].as_array().unwrap().iter();
    lines.map(|line| line["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_line_says_who_did_what_from_where() {
    let (backend, ann) = backend_with_ann(1).await;
    let answer = list(&backend, "").await;
    assert_eq!((answer.status, answer.header("link")), (200, None));
    let body = answer.body;
    assert_eq!(
        kinds(&body),
        ["SessionStarted", "UserUpdated", "UserCreated"]
    );
    let traces = [
        (
            "anonymous",
            Value::from("192.0.2.2"),
            "sign-in",
            Value::Null,
        ),
        ("system", Value::Null, "rename", Value::from(2)),
        (
            "anonymous",
            Value::from("192.0.2.1"),
            "sign-up",
            Value::from(1),
        ),
    ];
    for (line, (actor, address, request, version)) in
        body["data"].as_array().unwrap().iter().zip(traces)
    {
        assert_eq!(line["actor"], actor);
        assert_eq!(line["sourceAddress"], address);
        assert_eq!(line["requestId"], request);
        assert_eq!(line["version"], version);
        assert!(line["hash"].is_string());
        assert_eq!(line["userId"], ann.to_string());
    }
    assert!(body.get("chain").is_none(), "nobody asked for a user");
}

#[tokio::test]
async fn the_trace_is_gone_after_erasure_and_the_chain_is_whole() {
    let (backend, ann) = backend_with_ann(1).await;
    let user = backend.user(ann).unwrap();
    let metadata = metadata(&backend, "192.0.2.3", "erasure");
    backend.commit(&user.erase(&metadata)).await.unwrap();
    record_all(&backend).await;
    backend.forget_private(ann).await.unwrap();
    backend.forget(ann).await.unwrap();
    let body = list(&backend, &format!("user={ann}")).await.body;
    assert_eq!(body["chain"], json!({"status": "ok", "state": "ok"}));
    assert_eq!(body["signIns"], json!({"status": "ok"}));
    assert_eq!(body["data"].as_array().unwrap().len(), 4);
    for line in body["data"].as_array().unwrap() {
        assert_eq!(line["sourceAddress"], Value::Null);
        assert_eq!(line["requestId"], Value::Null);
    }
}

#[tokio::test]
async fn traces_are_read_for_the_page_only_and_the_chain_on_the_first() {
    let (backend, ann) = backend_with_ann(4).await;
    backend.clear_trace();
    let answer = list(&backend, &format!("user={ann}&limit=2")).await;
    let body = &answer.body;
    assert_eq!(body["chain"]["status"], "ok");
    let count = |name| backend.trace().iter().filter(|call| **call == name).count();
    assert_eq!(count("users.history_entry"), 1);
    assert_eq!(count("sessions.find"), 1);
    let next = body["pagination"]["next"].as_str().unwrap();
    let link = format!("<{next}>; rel=\"next\"");
    assert_eq!(answer.header("link"), Some(link.as_str()));

    backend.clear_trace();
    let body = list(&backend, next.split_once('?').unwrap().1).await.body;
    assert_eq!(kinds(&body), ["UserUpdated", "UserUpdated"]);
    assert!(body.get("chain").is_none() && body.get("signIns").is_none());
    assert_eq!(count("users.history"), 0);
    assert_eq!(count("audit.list"), 1);
}

#[tokio::test]
async fn a_changed_entry_shows() {
    let (backend, ann) = backend_with_ann(3).await;
    backend.tamper_with_history(ann, 2.into(), |entry| {
        entry.event.actor = Actor::Anonymous;
    });
    let body = list(&backend, &format!("user={ann}")).await.body;
    let expected = json!({"status": "broken", "at": 2});
    assert_eq!(body["chain"], expected);
}

#[tokio::test]
async fn the_trail_says_which_roles_who_gave_to_whom() {
    let (backend, ann) = backend_with_ann(0).await;
    let user = backend.user(ann).unwrap();
    let verified = user.verify_email(&metadata(&backend, "192.0.2.3", "verify"));
    let user = backend.commit(&verified.unwrap()).await.unwrap();
    let roles = ["billing", "support"].map(|role| role.parse().unwrap());
    let assigned = user.assign_roles(roles.into(), &metadata(&backend, "192.0.2.3", "assign"));
    let user = backend.commit(&assigned.unwrap().unwrap()).await.unwrap();
    let again = user.assign_roles(Roles::new(), &metadata(&backend, "192.0.2.3", "take"));
    backend.commit(&again.unwrap().unwrap()).await.unwrap();
    record_all(&backend).await;
    let body = list(&backend, &format!("user={ann}")).await.body;
    let roles: Vec<_> = body["data"].as_array().unwrap().iter().take(3).collect();
    let both = json!(["billing", "support"]);
    assert_eq!(roles[0]["roles"], json!({"before": both, "after": []}));
    assert_eq!(roles[1]["roles"], json!({"before": [], "after": both}));
    assert_eq!(roles[2]["roles"], Value::Null);
    assert_eq!(body["chain"], json!({"status": "ok", "state": "ok"}));
}

#[tokio::test]
async fn what_no_event_wrote_shows() {
    let (backend, ann) = backend_with_ann(1).await;
    let verdicts = async || list(&backend, &format!("user={ann}")).await.body;
    backend.tamper(ann, |user| {
        user.roles.insert(shared::domain::Role::admin());
    });
    let expected = json!({"status": "broken", "at": 2, "state": "changed"});
    assert_eq!(verdicts().await["chain"], expected);
    backend.remove_user(ann);
    let expected = json!({"status": "broken", "at": 2, "state": "missing"});
    assert_eq!(verdicts().await["chain"], expected);

    let (backend, ann) = backend_with_ann(1).await;
    let verdicts = async || list(&backend, &format!("user={ann}")).await.body;
    assert_eq!(verdicts().await["signIns"], json!({"status": "ok"}));
    let session = backend.sessions_of(ann)[0].id;
    backend.tamper_with_session(session, |session| session.source_address = None);
    let expected = json!({"status": "broken", "sessionId": session});
    assert_eq!(verdicts().await["signIns"], expected);
    backend.remove_session(session);
    let broken = verdicts().await;
    assert_eq!(broken["signIns"]["sessionId"], json!(session));
    assert_eq!(broken["chain"]["status"], "ok");
}

fn trace_of(line: &Value) -> (&str, &str, &str) {
    let text = |name: &str| line[name].as_str().unwrap_or("none");
    (text("type"), text("sourceAddress"), text("requestId"))
}

#[tokio::test]
async fn the_end_of_a_session_says_from_where_it_came() {
    let (backend, ann) = backend_with_ann(0).await;
    let id = backend.sessions_of(ann)[0].id;
    let theft = metadata(&backend, "192.0.2.4", "reuse");
    let event = Session::ended(ann, id, EndReason::TokenReused, &theft);
    let from = Trace::of(&theft.origin);
    assert!(backend.end(ann, id, &event, &from).await.unwrap());
    record_all(&backend).await;
    let lines = async || list(&backend, &format!("user={ann}")).await.body["data"].take();
    let both = lines().await;
    assert_eq!(trace_of(&both[0]), ("SessionEnded", "192.0.2.4", "reuse"));
    assert_eq!(
        trace_of(&both[1]),
        ("SessionStarted", "192.0.2.2", "sign-in")
    );
    // One that ended before this was kept.
    backend.tamper_with_session(id, |session| session.ended_from = None);
    assert_eq!(
        trace_of(&lines().await[0]),
        ("SessionEnded", "none", "none")
    );
}

#[tokio::test]
async fn a_lock_and_its_line_are_witnesses_of_each_other() {
    let (backend, ann) = backend_with_ann(0).await;
    let email = "ann@example.com".parse().unwrap();
    let key = AttemptKey::of_address(Scope::Account, &email);
    let guess = metadata(&backend, "192.0.2.3", "guess");
    let lock = Lock {
        event: sign_in_locked(Some(ann), &guess),
        from: Trace::of(&guess.origin),
    };
    let until = lock.event.time.plus(std::time::Duration::from_secs(30));
    backend.announce(&key, until, &lock).await.unwrap();
    record_all(&backend).await;
    let verdict = async || list(&backend, &format!("user={ann}")).await.body["signIns"].take();
    assert_eq!(verdict().await, json!({"status": "ok"}));
    let newest = list(&backend, &format!("user={ann}")).await.body["data"][0].take();
    assert_eq!(trace_of(&newest), ("SignInLocked", "192.0.2.3", "guess"));

    backend.remove_from_audit(lock.event.id);
    assert_eq!(verdict().await, json!({"status": "ok"}), "it may be late");
    backend.advance(std::time::Duration::from_hours(1));
    let broken = json!({"status": "broken", "eventId": lock.event.id});
    assert_eq!(verdict().await, broken);
    record_all(&backend).await;
    backend.remove_lock(lock.event.id);
    assert_eq!(verdict().await, broken);
}

#[tokio::test]
async fn only_administrators_see_it() {
    let fixture = Fixture::new().await;
    let request = || TestRequest::new("GET", "/audit-events");
    for (request, status) in [
        (request(), 401),
        (request().bearer(&fixture.ann.token), 403),
        (request().bearer(&fixture.admin.token), 200),
    ] {
        let answer = endpoint(ACCESS).answer(&fixture.backend, request).await;
        assert_eq!(answer.status, status);
    }
}
