use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    EventId, Origin, PasswordHash, Roles,
    user::{NewUser, User},
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
    Session::start(id, nonce, &user(), "pwd", false, &metadata(start())).0
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
    let exchange = |seconds| second.exchange(&old, &key(), after(seconds));
    assert_eq!(exchange(129), Some(Exchange::Repetition));
    assert_eq!(exchange(130), Some(Exchange::Reuse));
}

#[test]
fn a_token_whose_successor_was_used_is_superseded_for_a_moment() {
    let first = session();
    let second = rotated(&first, after(100));
    let third = rotated(&second, after(129));
    let fourth = rotated(&third, after(131));
    let exchange = |session: &Session, old: &Session, seconds| {
        session.exchange(&old.refresh_token(&key()), &key(), after(seconds))
    };
    assert_eq!(exchange(&third, &first, 129), Some(Exchange::Superseded));
    // The time of its own exchange counts, not that of its successor.
    assert_eq!(exchange(&third, &first, 130), Some(Exchange::Reuse));
    assert_eq!(exchange(&fourth, &first, 131), Some(Exchange::Reuse));
    assert_eq!(exchange(&fourth, &second, 158), Some(Exchange::Superseded));
    assert_eq!(exchange(&fourth, &second, 159), Some(Exchange::Reuse));
    assert_eq!(exchange(&fourth, &third, 160), Some(Exchange::Repetition));
    assert_eq!(fourth.earlier_uses, [after(129)], "only what is in grace");
}

/// How much time passes before a token is presented.
fn seconds() -> impl Strategy<Value = u64> {
    prop_oneof![2 => 0_u64..=2, 1 => 0_u64..=20]
}

/// How many generations old that token is.
fn behind() -> impl Strategy<Value = usize> {
    prop_oneof![3 => Just(0), 2 => 1_usize..=12]
}

proptest! {
    /// Against a model that remembers when each token was first exchanged, and nothing else.
    #[test]
    fn each_token_has_thirty_seconds_of_its_own(
        steps in vec((seconds(), behind()), 1..80)
    ) {
        let (mut session, mut now) = (session(), start());
        let mut tokens = vec![session.refresh_token(&key())];
        let mut exchanged_at: Vec<Timestamp> = Vec::new();
        for (seconds, behind) in steps {
            now = now.plus(Duration::from_secs(seconds));
            let present = tokens.len() - 1;
            let presented = present.saturating_sub(behind);
            let exchange = session.exchange(&tokens[presented], &key(), now).unwrap();
            let behind = present - presented;
            let is_in_grace = behind <= REMEMBERED_EXCHANGES + 1
                && exchanged_at.get(presented).is_some_and(|time| time.plus(REFRESH_GRACE) > now);
            match exchange {
                Exchange::Rotation(next) => {
                    prop_assert_eq!(behind, 0);
                    exchanged_at.push(now);
                    tokens.push(next.refresh_token(&key()));
                    session = next;
                }
                Exchange::Repetition => prop_assert!(behind == 1 && is_in_grace),
                Exchange::Superseded => prop_assert!(behind > 1 && is_in_grace),
                Exchange::Reuse => prop_assert!(behind > 0 && !is_in_grace),
            }
            prop_assert!(session.earlier_uses.len() <= REMEMBERED_EXCHANGES);
        }
    }
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
    assert!(session.is_live(&user, DeploymentEpoch::FIRST, after(1)));
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
    assert!(!ended.is_live(&user, DeploymentEpoch::FIRST, after(1)));
    assert!(!session.is_live(&inactive, DeploymentEpoch::FIRST, after(1)));
    assert!(!session.is_live(&changed, DeploymentEpoch::FIRST, after(1)));
    assert!(!session.is_live(&user, DeploymentEpoch::FIRST, session.expires_at));
    let epoch = DeploymentEpoch::beginning(after(1));
    assert!(!session.is_live(&user, epoch, after(1)));
    let later = DeploymentEpoch::beginning(start());
    assert!(session.is_live(&user, later, after(1)), "it began in it");
}
