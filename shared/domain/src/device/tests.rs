use super::*;
use crate::{EventId, Origin, PasswordHash, Roles, event::EventMetadata, user::NewUser};

fn start() -> Timestamp {
    Timestamp::from_seconds(1_000_000)
}

fn metadata() -> EventMetadata {
    EventMetadata {
        event_id: EventId::new(start(), [1; 10]),
        salt: String::new(),
        now: start(),
        origin: Origin::system("test"),
    }
}

fn user(number: u8) -> User {
    let new = NewUser {
        id: UserId::new(start(), [number; 10]),
        email: "ann@example.com".parse().unwrap(),
        name: "Ann".parse().unwrap(),
        password: hash(),
        roles: Roles::new(),
    };
    User::create(new, &metadata()).stamp(start()).user
}

fn hash() -> PasswordHash {
    PasswordHash::from_phc("x".to_owned())
}

fn key() -> DeviceKey {
    DeviceKey::new(vec![7; 32].into())
}

fn token(user: &User) -> DeviceToken {
    key().issue(user, Uuid::from_bytes([9; 16]), start())
}

fn is_known(token: &DeviceToken, user: &User, now: Timestamp) -> bool {
    key().recognize(token, user, now).is_some()
}

fn presented(raw: &str) -> Option<DeviceToken> {
    let Ok(PresentedDevice(token)) = raw.parse();
    token
}

#[test]
fn a_token_survives_its_text() {
    let ann = user(2);
    let text = token(&ann).encode();
    assert_eq!(text.expose_secret().len(), 96);
    let read = presented(text.expose_secret()).unwrap();
    let device = key().recognize(&read, &ann, start());
    assert_eq!(device, Some(token(&ann).device));
}

#[test]
fn any_other_text_is_no_token() {
    let text = token(&user(2)).encode();
    let text = text.expose_secret();
    for raw in [
        "",
        "x",
        "!",
        &text[1..],
        &text[..92],
        &format!("{text}AAAA"),
    ] {
        assert!(presented(raw).is_none(), "{raw}");
    }
}

#[test]
fn a_device_is_known_for_half_a_year() {
    assert_eq!(DEVICE_LIFETIME.as_secs(), 180 * 86_400);
    let ann = user(2);
    let last = start().plus(DEVICE_LIFETIME.saturating_sub(Duration::from_secs(1)));
    assert!(is_known(&token(&ann), &ann, last));
    assert!(!is_known(&token(&ann), &ann, start().plus(DEVICE_LIFETIME)));
}

#[test]
fn a_changed_token_is_void() {
    let ann = user(2);
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token(&ann).encode().expose_secret());
    let bytes = bytes.unwrap();
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        let changed = presented(&BASE64_URL_SAFE_NO_PAD.encode(changed)).unwrap();
        assert!(!is_known(&changed, &ann, start()), "byte {place}");
    }
    let other = DeviceKey::new(vec![8; 32].into());
    assert!(other.recognize(&token(&ann), &ann, start()).is_none());
}

#[test]
fn what_ends_a_password_or_recovers_an_account_voids_a_token() {
    let ann = user(2);
    let token = token(&ann);
    assert!(!is_known(&token, &user(3), start()), "another user's");
    let changed = ann.change_password(hash(), &metadata());
    let reset = ann.reset_password(hash(), &metadata());
    let deactivated = ann.deactivate(&metadata()).unwrap();
    for change in [changed, reset, deactivated] {
        let after = change.stamp(start()).user;
        assert!(!is_known(&token, &after, start()), "{after:?}");
    }
    // A sign-out everywhere does not: the device stays the owner's.
    let signed_out = User {
        auth_epoch: ann.auth_epoch + 1,
        ..ann.clone()
    };
    assert!(is_known(&token, &signed_out, start()));
}
