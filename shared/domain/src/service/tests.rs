use proptest::prelude::*;

use super::*;
use crate::{EventId, Origin};

fn metadata(seconds: u64) -> EventMetadata {
    let now = Timestamp::from_seconds(1_000_000).plus(Duration::from_secs(seconds));
    EventMetadata {
        event_id: EventId::new(now, [3; 10]),
        salt: String::new(),
        now,
        origin: Origin::system("test"),
    }
}

fn service() -> Service {
    let filter = EventFilter::everything();
    let name = "profiles".parse().unwrap();
    Service::register(name, filter, SecretSalt::new([1; 16]), &metadata(0)).0
}

#[test]
fn a_name_is_a_lower_case_word() {
    for name in ["a", "profiles", "profiles-2", &"a".repeat(63)] {
        assert!(name.parse::<ServiceName>().is_ok(), "{name}");
    }
    for name in [
        "",
        "-a",
        "1a",
        "Profiles",
        "a_b",
        "a#b",
        "a/b",
        "ä",
        &"a".repeat(64),
    ] {
        assert!(name.parse::<ServiceName>().is_err(), "{name}");
        assert!(name.parse::<InstanceId>().is_err(), "{name}");
    }
}

#[test]
fn a_service_is_written_with_its_event() {
    let name = "profiles".parse().unwrap();
    let salt = SecretSalt::new([1; 16]);
    let (first, event) = Service::register(name, EventFilter::everything(), salt, &metadata(0));
    assert_eq!(event.kind, EventKind::ServiceRegistered);
    assert_eq!(event.data.service.as_ref(), Some(&first.name));
    assert!(
        first
            .clone()
            .change_filter(EventFilter::everything(), &metadata(1))
            .is_none()
    );
    let other: EventFilter = r#"{"detail-type": ["UserCreated"]}"#.parse().unwrap();
    let (second, _) = first.change_filter(other.clone(), &metadata(1)).unwrap();
    assert_eq!((second.revision, &second.filter), (2, &other));
    let (third, event) = second.deregister(&metadata(2));
    assert_eq!(event.kind, EventKind::ServiceDeregistered);
    assert_eq!(
        (third.revision, third.removed_at),
        (3, Some(metadata(2).now))
    );
}

/// Whatever the rotations, the secret which the service knows for sure signs until the overlap ends.
#[test]
fn a_secret_signs_on_while_the_next_takes_over() {
    let overlap = secret::OVERLAP.as_secs();
    let salt = |byte| SecretSalt::new([byte; 16]);
    let (once, event) = service().rotate_secret(salt(2), &metadata(10));
    assert_eq!(event.kind, EventKind::ServiceSecretRotated);
    assert_eq!(once.salts(metadata(11).now), [&salt(2), &salt(1)]);
    assert_eq!(once.salts(metadata(10 + overlap).now), [&salt(2)]);
    let (again, _) = once.clone().rotate_secret(salt(3), &metadata(20));
    assert_eq!(
        again.salts(metadata(21).now),
        [&salt(3), &salt(1)],
        "the answer got lost"
    );
    let (later, _) = once.rotate_secret(salt(3), &metadata(10 + overlap));
    assert_eq!(
        later.salts(metadata(11 + overlap).now),
        [&salt(3), &salt(2)]
    );
}

proptest! {
    #[test]
    fn a_service_survives_storage(name in "[a-z][a-z0-9-]{0,62}") {
        let service = Service { name: name.parse().unwrap(), ..service() };
        let stored = serde_json::to_value(&service).unwrap();
        prop_assert_eq!(serde_json::from_value::<Service>(stored).unwrap(), service);
    }
}
