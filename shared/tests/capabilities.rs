//! What was given before a recovery is void after it: every capability against every recovery.

#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

use std::time::Duration;

use shared::domain::{
    DeploymentEpoch, EventId, LoginKey, Origin, PasswordHash, Result, Role, Roles, Session,
    SessionId, Timestamp, TokenPurpose, User, UserId,
    device::DeviceKey,
    event::EventMetadata,
    token::TokenBinding,
    user::{Change, NewUser},
};

/// What lets its holder do something in the name of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Capability {
    ResetLink,
    VerificationLink,
    ChangeLink,
    PendingAddress,
    /// With it its refresh token.
    Session,
    AccessToken,
    LinkedIdentity,
    /// Says that the device is known.
    DeviceToken,
}

const ALL: [Capability; 8] = [
    Capability::ResetLink,
    Capability::VerificationLink,
    Capability::ChangeLink,
    Capability::PendingAddress,
    Capability::Session,
    Capability::AccessToken,
    Capability::LinkedIdentity,
    Capability::DeviceToken,
];

type Recovery = fn(&User, &EventMetadata) -> Result<Change>;

const RECOVERIES: [(&str, Recovery, &[Capability]); 9] = {
    use Capability::{DeviceToken, LinkedIdentity, ResetLink};
    [
        ("reset", |user, at| Ok(user.reset_password(hash(), at)), &[]),
        ("recovery", User::start_recovery, &[]),
        (
            "change of password",
            |user, at| Ok(user.change_password(hash(), at)),
            &[LinkedIdentity],
        ),
        (
            "change of address",
            |user, at| user.confirm_email(Some(hash()), at),
            // The sessions are the user's own: only the mailbox is another.
            &[LinkedIdentity, Capability::Session, Capability::AccessToken],
        ),
        (
            "sign-out everywhere",
            |user, at| Ok(user.end_sessions(at)),
            &[ResetLink, LinkedIdentity, DeviceToken],
        ),
        (
            "lost role",
            |user, at| Ok(user.assign_roles(Roles::new(), at)?.unwrap()),
            &[ResetLink, LinkedIdentity, DeviceToken],
        ),
        (
            "unlinking",
            |user, at| user.unlink(&identity(), true, at),
            &[ResetLink, DeviceToken],
        ),
        ("deactivation", User::deactivate, &[LinkedIdentity]),
        ("erasure", |user, at| Ok(user.erase(at)), &[]),
    ]
};

fn hash() -> PasswordHash {
    PasswordHash::from_phc("$new")
}

fn identity() -> LoginKey {
    LoginKey::Oidc {
        issuer: "https://accounts.example.com".to_owned(),
        subject: "1".to_owned(),
    }
}

fn metadata(seconds: i64) -> EventMetadata {
    let now = Timestamp::from_seconds(seconds);
    EventMetadata {
        event_id: EventId::new(now, [1; 10]),
        salt: "salt".to_owned(),
        now,
        origin: Origin::system("request-1"),
    }
}

fn after(change: &Change, seconds: i64) -> User {
    change.stamp(Timestamp::from_seconds(seconds)).user
}

/// A user who has given everything.
fn user() -> User {
    let new = NewUser {
        id: UserId::new(Timestamp::from_seconds(1), [1; 10]),
        email: "ann@example.com".parse().unwrap(),
        name: "Ann".parse().unwrap(),
        password: PasswordHash::from_phc("$hash"),
        roles: Roles::from([Role::admin()]),
    };
    let user = after(&User::create_proven(new, &metadata(1)), 1);
    let link = user.link(&identity(), &metadata(2)).unwrap().unwrap();
    let user = after(&link, 2);
    let wish = "ann@example.org".parse().unwrap();
    after(&user.request_email(wish, &metadata(3)).unwrap(), 3)
}

fn session(user: &User) -> Session {
    let at = metadata(4);
    let id = SessionId::new(at.now, [4; 10]);
    Session::start(id, "nonce".to_owned(), user, "pwd", false, &at).0
}

/// Whether what `before` gave still counts for `now`.
fn lives(capability: Capability, before: &User, now: &User, is_erased: bool) -> bool {
    let link = |purpose| {
        let given = TokenBinding::of(before, purpose);
        now.active && given.is_some() && given == TokenBinding::of(now, purpose)
    };
    let lives = match capability {
        Capability::ResetLink => link(TokenPurpose::PasswordReset),
        Capability::VerificationLink => link(TokenPurpose::EmailVerification),
        Capability::ChangeLink => link(TokenPurpose::EmailChange),
        Capability::PendingAddress => now.pending_email.is_some(),
        Capability::Session => {
            session(before).is_live(now, DeploymentEpoch::FIRST, Timestamp::from_seconds(6))
        }
        Capability::AccessToken => now.active && before.auth_epoch == now.auth_epoch,
        Capability::LinkedIdentity => now.logins.contains(&identity()),
        Capability::DeviceToken => {
            let (key, at) = (
                DeviceKey::new(vec![7; 32].into()),
                Timestamp::from_seconds(6),
            );
            let token = key.issue(before, SessionId::new(at, [8; 10]).as_uuid(), at);
            key.recognize(&token, now, at).is_some()
        }
    };
    lives && !is_erased
}

#[test]
fn what_was_given_before_a_recovery_is_void_after_it() {
    let before = user();
    for capability in ALL {
        assert!(lives(capability, &before, &before, false), "{capability:?}");
    }
    for (name, recover, survivors) in RECOVERIES {
        let change = recover(&before, &metadata(5)).unwrap();
        let mut now = after(&change, 5);
        if let Ok(back) = now.reactivate(&metadata(6))
            && !change.erases
        {
            now = after(&back, 6);
        }
        for capability in ALL {
            let lives = lives(capability, &before, &now, change.erases);
            let expected = survivors.contains(&capability);
            assert_eq!(lives, expected, "{capability:?} after {name}");
        }
    }
}

/// Who has stolen the password must not keep the owner from a reset by changing it again and again.
#[test]
fn a_change_of_password_voids_a_reset_link_once_an_hour() {
    let hour = i64::try_from(Duration::from_hours(1).as_secs()).unwrap();
    let before = user();
    let first = after(&before.change_password(hash(), &metadata(5)), 5);
    assert!(!lives(Capability::ResetLink, &before, &first, false));
    let again = after(
        &first.change_password(hash(), &metadata(4 + hour)),
        4 + hour,
    );
    assert!(lives(Capability::ResetLink, &first, &again, false));
    assert!(!lives(Capability::VerificationLink, &first, &again, false));
    let later = after(
        &again.change_password(hash(), &metadata(5 + hour)),
        5 + hour,
    );
    assert!(!lives(Capability::ResetLink, &again, &later, false));
}
