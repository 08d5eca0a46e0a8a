//! Sessions are written once, with their event.

use shared::domain::{DomainEvent, Error, Session, SessionId, User};

use crate::{contract, ports::Ports};

contract!(
    a_started_session_can_be_found,
    a_session_is_found_under_its_user_only,
    starting_a_session_again_changes_nothing,
    the_id_of_a_session_is_used_once,
);

async fn user(ports: &Ports) -> User {
    ports
        .users
        .commit(&ports.creation("ann@example.com"))
        .await
        .unwrap()
}

fn session(ports: &Ports, user: &User, id: SessionId) -> (Session, DomainEvent) {
    let nonce = ports.circumstances.entropy.token().unwrap();
    Session::start(id, nonce, user, "pwd", &ports.occasion())
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
