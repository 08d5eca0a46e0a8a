use super::*;
use crate::{
    EventId, Origin, PasswordHash, Roles,
    user::{NewUser, Standing, User},
};

fn metadata(now: Timestamp) -> EventMetadata {
    EventMetadata {
        event_id: EventId::new(now, [1; 10]),
        salt: String::new(),
        now,
        origin: Origin::system("test"),
    }
}

fn start() -> Timestamp {
    Timestamp::from_seconds(1_000_000)
}

fn user() -> User {
    let new = NewUser {
        standing: Standing::Settled,
        id: UserId::new(start(), [2; 10]),
        email: "ann@example.com".parse().unwrap(),
        name: "Ann".parse().unwrap(),
        password: PasswordHash::from_phc("x".to_owned()),
        roles: Roles::new(),
    };
    User::create(new, &metadata(start())).stamp(start()).user
}

fn session() -> Session {
    let id = SessionId::new(start(), [3; 10]);
    let nonce = "nonce".to_owned();
    Session::start(id, nonce, &user(), "pwd", &metadata(start())).0
}

fn key() -> RefreshKey {
    RefreshKey::new(vec![7; 32].into())
}

fn after(seconds: u64) -> Timestamp {
    start().plus(Duration::from_secs(seconds))
}

fn rotated(session: &Session, now: Timestamp) -> Session {
    let token = session.refresh_token(&key());
    match session.exchange(&token, &key(), now) {
        Some(Exchange::Rotation(next)) => next,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_token_survives_its_text() {
    let session = session();
    let text = session.refresh_token(&key()).encode();
    assert_eq!(text.expose_secret().len(), 91);
    let read: RefreshToken = text.expose_secret().parse().unwrap();
    assert_eq!(
        (read.user_id, read.session_id),
        (session.user_id, session.id)
    );
    assert!(session.exchange(&read, &key(), after(1)).is_some());
    for raw in ["", "x", "####", &"A".repeat(40)] {
        let refused = raw.parse::<RefreshToken>().unwrap_err();
        assert_eq!(refused, Refusal::InvalidRefreshToken, "{raw}");
    }
}

#[test]
fn a_token_is_exchanged_for_the_next_generation() {
    let first = session();
    let second = rotated(&first, after(100));
    assert_eq!((second.generation, second.last_used_at), (1, after(100)));
    assert_eq!(second.expires_at, after(100).plus(SESSION_LIFETIME));
    assert_eq!(second.created_at, first.created_at);
}

#[test]
fn for_a_moment_the_old_token_gives_the_same_successor_and_then_it_ends_the_session() {
    let first = session();
    let old = first.refresh_token(&key());
    let second = rotated(&first, after(100));
    let exchange = |session: &Session, seconds| session.exchange(&old, &key(), after(seconds));
    assert_eq!(exchange(&second, 129), Some(Exchange::Repetition));
    assert_eq!(exchange(&second, 130), Some(Exchange::Reuse));
    // Once the successor was used, the old token's answer did arrive.
    let third = rotated(&second, after(101));
    assert_eq!(exchange(&third, 102), Some(Exchange::Reuse));
}

#[test]
fn whoever_never_had_a_token_cannot_end_the_session() {
    let session = rotated(&session(), after(1));
    let genuine = session.refresh_token(&key());
    let forged = |generation, secret: Vec<u8>| RefreshToken {
        generation,
        secret: secret.into(),
        ..genuine.clone()
    };
    let own = genuine.secret.expose_secret().to_vec();
    for token in [
        forged(0, own.clone()),
        forged(2, own.clone()),
        forged(1, vec![0; 32]),
        forged(1, Vec::new()),
        session.refresh_token(&RefreshKey::new(vec![8; 32].into())),
    ] {
        assert_eq!(session.exchange(&token, &key(), after(1000)), None);
    }
    // Genuine, and from the future: nobody has it yet.
    let ahead = rotated(&session, after(2)).refresh_token(&key());
    assert_eq!(session.exchange(&ahead, &key(), after(3)), None);
}

#[test]
fn however_much_it_is_used_a_session_has_an_end() {
    let mut session = session();
    for day in [20, 40, 60, 80] {
        session = rotated(&session, after(day * 24 * 60 * 60));
    }
    assert_eq!(session.expires_at, start().plus(SESSION_MAXIMUM));
}

#[test]
fn a_session_dies_with_its_end_its_time_its_user_and_the_users_epoch() {
    let (session, user) = (session(), user());
    assert!(session.is_live(&user, after(1)));
    let ended = Session {
        ended_at: Some(start()),
        ..session.clone()
    };
    let inactive = User {
        active: false,
        ..user.clone()
    };
    let changed = User {
        auth_epoch: 1,
        ..user.clone()
    };
    assert!(!ended.is_live(&user, after(1)));
    assert!(!session.is_live(&inactive, after(1)));
    assert!(!session.is_live(&changed, after(1)));
    assert!(!session.is_live(&user, session.expires_at));
}
