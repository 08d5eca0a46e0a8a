//! Sessions are written once, with their event, and end with their user.

use std::time::Duration;

use shared::domain::{
    DomainEvent, Error, OneTimeToken, Refusal, Session, SessionId, TokenPurpose, User,
    attempt::Limit,
    audit::{AuditEntry, Trace},
    event::EndReason,
    session::SESSION_LIFETIME,
};

use crate::{
    contract,
    ports::{INSTANT, Ports, bound, refusal},
};

contract!(
    a_started_session_can_be_found,
    a_session_is_found_under_its_user_only,
    starting_a_session_again_changes_nothing,
    the_id_of_a_session_is_used_once,
    the_sessions_of_a_user_are_listed_newest_first,
    a_confirmed_session_is_at_the_new_epoch,
    a_dead_session_is_not_confirmed_into_life,
    what_is_not_there_is_not_confirmed,
    a_rotation_is_written_once_however_many_try,
    what_has_changed_since_is_not_rotated,
    a_proof_is_written_into_a_live_session,
    a_session_ends_once,
    everything_of_a_user_is_forgotten,
    many_sessions_are_listed_and_forgotten,
);

async fn user(ports: &Ports) -> User {
    ports
        .users
        .commit(&ports.creation("ann@example.com"))
        .await
        .unwrap()
}

fn session(ports: &Ports, user: &User, id: SessionId) -> (Session, DomainEvent) {
    let nonce = ports.env.random.token().unwrap();
    Session::start(id, nonce, user, "pwd", false, &ports.metadata())
}

fn id(ports: &Ports) -> SessionId {
    SessionId::new(ports.now(), ports.bytes())
}

async fn a_started_session_can_be_found(ports: Ports) {
    let user = user(&ports).await;
    let (session, event) = session(&ports, &user, id(&ports));
    ports.sessions.start(&session, &event).await.unwrap();
    let found = ports.sessions.find(user.id, session.id).await.unwrap();
    assert_eq!(found, Some(session));
}

async fn a_session_is_found_under_its_user_only(ports: Ports) {
    let user = user(&ports).await;
    let (session, event) = session(&ports, &user, id(&ports));
    ports.sessions.start(&session, &event).await.unwrap();
    let found = ports
        .sessions
        .find(ports.user_id(), session.id)
        .await
        .unwrap();
    assert_eq!(found, None);
    assert_eq!(
        ports.sessions.find(user.id, id(&ports)).await.unwrap(),
        None
    );
}

async fn starting_a_session_again_changes_nothing(ports: Ports) {
    let user = user(&ports).await;
    let (session, event) = session(&ports, &user, id(&ports));
    for _ in 0..2 {
        ports.sessions.start(&session, &event).await.unwrap();
    }
    let found = ports.sessions.find(user.id, session.id).await.unwrap();
    assert_eq!(found, Some(session));
}

async fn the_id_of_a_session_is_used_once(ports: Ports) {
    let user = user(&ports).await;
    let (first, event) = session(&ports, &user, id(&ports));
    ports.sessions.start(&first, &event).await.unwrap();

    let (second, event) = session(&ports, &user, first.id);
    let refused = ports.sessions.start(&second, &event).await;

    assert!(matches!(refused, Err(Error::Internal(_))));
    assert_eq!(
        ports.sessions.find(user.id, first.id).await.unwrap(),
        Some(first)
    );
}

async fn started(ports: &Ports, user: &User) -> Session {
    let (session, event) = session(ports, user, id(ports));
    ports.sessions.start(&session, &event).await.unwrap();
    session
}

async fn found(ports: &Ports, session: &Session) -> Option<Session> {
    let found = ports.sessions.find(session.user_id, session.id).await;
    found.unwrap()
}

async fn the_sessions_of_a_user_are_listed_newest_first(ports: Ports) {
    let ann = user(&ports).await;
    let bob = ports.created("bob@example.com", &[]).await;
    started(&ports, &bob).await;
    assert_eq!(ports.sessions.list(ann.id).await.unwrap(), []);
    let older = started(&ports, &ann).await;
    (ports.advance)(Duration::from_secs(1));
    let newer = started(&ports, &ann).await;
    // Another thing which is kept under the user.
    let token = OneTimeToken::new(TokenPurpose::PasswordReset, ann.id, ports.bytes());
    let issue = token.issue(&bound(&ann, token.purpose), ports.now());
    assert!(ports.tokens.issue(&issue, ports.now()).await.unwrap());

    let listed = ports.sessions.list(ann.id).await.unwrap();
    assert_eq!(listed, [newer.clone(), older]);

    (ports.advance)(SESSION_LIFETIME.saturating_sub(Duration::from_secs(1)));
    let listed = ports.sessions.list(ann.id).await.unwrap();
    assert_eq!(listed, [newer]);
    (ports.advance)(Duration::from_secs(1).saturating_sub(INSTANT));
    assert_eq!(ports.sessions.list(ann.id).await.unwrap().len(), 1);
    (ports.advance)(INSTANT);
    assert_eq!(ports.sessions.list(ann.id).await.unwrap(), []);
}

async fn a_confirmed_session_is_at_the_new_epoch(ports: Ports) {
    let ann = user(&ports).await;
    let (kept, other) = (started(&ports, &ann).await, started(&ports, &ann).await);

    for _ in 0..2 {
        ports.sessions.confirm(ann.id, kept.id, 1).await.unwrap();
    }

    let expected = Session {
        auth_epoch: 1,
        ..kept
    };
    assert_eq!(found(&ports, &expected).await, Some(expected));
    assert_eq!(found(&ports, &other).await, Some(other));
}

/// Between the check of a caller and the change, others may have ended all sessions.
async fn a_dead_session_is_not_confirmed_into_life(ports: Ports) {
    let ann = user(&ports).await;
    let session = started(&ports, &ann).await;
    for epoch in [0, 2, u64::MAX] {
        let confirmed = ports.sessions.confirm(ann.id, session.id, epoch).await;
        confirmed.unwrap();
        assert_eq!(found(&ports, &session).await.as_ref(), Some(&session));
    }
    // Nor does one that is late turn it back.
    for epoch in [1, 2, 1] {
        let confirmed = ports.sessions.confirm(ann.id, session.id, epoch).await;
        confirmed.unwrap();
    }
    assert_eq!(found(&ports, &session).await.unwrap().auth_epoch, 2);
}

async fn what_is_not_there_is_not_confirmed(ports: Ports) {
    let ann = user(&ports).await;
    let session = id(&ports);
    ports.sessions.confirm(ann.id, session, 1).await.unwrap();
    let found = ports.sessions.find(ann.id, session).await.unwrap();
    assert_eq!(found, None);

    let mut ended = self::session(&ports, &ann, session);
    ended.0.ended_at = Some(ports.now());
    ports.sessions.start(&ended.0, &ended.1).await.unwrap();
    ports.sessions.confirm(ann.id, session, 1).await.unwrap();
    assert_eq!(self::found(&ports, &ended.0).await, Some(ended.0));
}

fn next(session: &Session, ports: &Ports) -> Session {
    let refreshes = Limit::hourly(60).spend(session.refreshes.as_ref(), ports.now());
    Session {
        refreshes: refreshes.ok(),
        generation: session.generation + 1,
        last_used_at: ports.now(),
        earlier_uses: vec![session.last_used_at],
        expires_at: ports.now().plus(SESSION_LIFETIME),
        ..session.clone()
    }
}

async fn a_rotation_is_written_once_however_many_try(ports: Ports) {
    let ann = user(&ports).await;
    let session = started(&ports, &ann).await;
    (ports.advance)(Duration::from_mins(1));
    let next = next(&session, &ports);
    let tries = (0..20).map(|_| {
        let (sessions, next) = (ports.sessions.clone(), next.clone());
        tokio::spawn(async move { sessions.rotate(&next).await.unwrap() })
    });
    let tries = futures::future::join_all(tries).await.into_iter();
    assert_eq!(tries.filter(|won| *won.as_ref().unwrap()).count(), 1);
    assert_eq!(found(&ports, &session).await, Some(next));
}

async fn what_has_changed_since_is_not_rotated(ports: Ports) {
    let ann = user(&ports).await;
    let session = started(&ports, &ann).await;
    let first = next(&session, &ports);
    ports.sessions.confirm(ann.id, session.id, 1).await.unwrap();
    assert!(!ports.sessions.rotate(&first).await.unwrap(), "the epoch");
    let confirmed = found(&ports, &session).await.unwrap();
    let second = next(&next(&confirmed, &ports), &ports);
    assert!(!ports.sessions.rotate(&second).await.unwrap(), "too far");
    let event = ended(&ports, &session);
    assert!(
        ports
            .sessions
            .end(ann.id, session.id, &event, &from())
            .await
            .unwrap()
    );
    let first = next(&confirmed, &ports);
    assert!(!ports.sessions.rotate(&first).await.unwrap(), "it is over");
    let absent = Session {
        id: id(&ports),
        ..first
    };
    assert!(!ports.sessions.rotate(&absent).await.unwrap(), "not there");
    assert_eq!(found(&ports, &absent).await, None);
}

fn ended(ports: &Ports, session: &Session) -> DomainEvent {
    let reason = EndReason::SignedOut;
    Session::ended(session.user_id, session.id, reason, &ports.metadata())
}

fn from() -> Trace {
    Trace {
        source_address: Some([192, 0, 2, 7].into()),
        request_id: Some("request-1".to_owned()),
    }
}

async fn a_proof_is_written_into_a_live_session(ports: Ports) {
    let ann = user(&ports).await;
    let before = started(&ports, &ann).await;
    (ports.advance)(Duration::from_secs(1));
    let proven = before.proven("fed", ports.now());
    assert_eq!(proven.methods, ["pwd", "fed"]);
    for _ in 0..2 {
        assert!(ports.sessions.prove(&proven).await.unwrap());
    }
    assert_eq!(found(&ports, &before).await, Some(proven.clone()));

    let of_another_epoch = Session {
        auth_epoch: proven.auth_epoch + 1,
        ..proven.proven("pwd", ports.now())
    };
    assert!(!ports.sessions.prove(&of_another_epoch).await.unwrap());
    let event = Session::ended(ann.id, before.id, EndReason::SignedOut, &ports.metadata());
    let ended = ports.sessions.end(ann.id, before.id, &event, &from()).await;
    assert!(ended.unwrap());
    assert!(!ports.sessions.prove(&proven).await.unwrap());
    let nobodys = session(&ports, &ann, id(&ports)).0;
    assert!(!ports.sessions.prove(&nobodys).await.unwrap());
    assert_eq!(found(&ports, &nobodys).await, None);
}

async fn a_session_ends_once(ports: Ports) {
    let ann = user(&ports).await;
    let (session, other) = (started(&ports, &ann).await, started(&ports, &ann).await);
    let event = ended(&ports, &session);
    (ports.advance)(Duration::from_secs(1));
    for _ in 0..2 {
        let ended = ports
            .sessions
            .end(ann.id, session.id, &event, &from())
            .await;
        assert!(ended.unwrap());
    }
    let late = ended(&ports, &session);
    let again = ports
        .sessions
        .end(ann.id, session.id, &late, &Trace::default())
        .await;
    assert!(!again.unwrap());
    let expected = Session {
        ended_at: Some(event.time),
        ended_from: Some(from()),
        end_line: Some(AuditEntry::of_event(&event).digest()),
        ..session
    };
    assert_eq!(found(&ports, &expected).await, Some(expected));
    assert_eq!(found(&ports, &other).await, Some(other));
    let nobodys = id(&ports);
    let ended = ports.sessions.end(ann.id, nobodys, &late, &from()).await;
    assert!(!ended.unwrap());
    assert_eq!(ports.sessions.find(ann.id, nobodys).await.unwrap(), None);
}

async fn everything_of_a_user_is_forgotten(ports: Ports) {
    let ann = user(&ports).await;
    let bob = ports.created("bob@example.com", &[]).await;
    let (gone, stays) = (started(&ports, &ann).await, started(&ports, &bob).await);
    let token = OneTimeToken::new(TokenPurpose::EmailVerification, ann.id, ports.bytes());
    let issue = token.issue(&bound(&ann, token.purpose), ports.now());
    assert!(ports.tokens.issue(&issue, ports.now()).await.unwrap());

    for _ in 0..2 {
        ports.sessions.forget(ann.id).await.unwrap();
    }

    assert_eq!(found(&ports, &gone).await, None);
    assert_eq!(ports.sessions.list(ann.id).await.unwrap(), []);
    assert_eq!(found(&ports, &stays).await, Some(stays));
    let verified = ann.end_sessions(&ports.metadata());
    let verified = verified.spending(token.spend(&bound(&ann, token.purpose), ports.now()));
    assert_eq!(
        refusal(ports.users.commit(&verified).await),
        Refusal::TokenExpired
    );
}

/// More than one batch, and with long user agents more than the megabyte that one query reads.
async fn many_sessions_are_listed_and_forgotten(ports: Ports) {
    let ann = user(&ports).await;
    for _ in 0..60 {
        (ports.advance)(Duration::from_millis(1));
        let (mut session, event) = session(&ports, &ann, id(&ports));
        session.user_agent = Some("x".repeat(30_000));
        ports.sessions.start(&session, &event).await.unwrap();
    }
    let listed = ports.sessions.list(ann.id).await.unwrap();
    assert_eq!(listed.len(), 60);
    assert!(listed.is_sorted_by(|newer, older| newer.id > older.id));
    ports.sessions.forget(ann.id).await.unwrap();
    assert_eq!(ports.sessions.list(ann.id).await.unwrap(), []);
}
