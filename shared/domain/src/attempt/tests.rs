use std::time::Duration;

use super::*;
use crate::Timestamp;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_000_000 + seconds)
}

/// Spends as many tries as there are at `now`.
fn exhaust(
    limit: &Limit,
    mut counter: Option<AttemptCounter>,
    now: Timestamp,
) -> (AttemptCounter, u32, Timestamp) {
    for spent in 0.. {
        match limit.spend(counter.as_ref(), now) {
            Ok(next) => counter = Some(next),
            Err(until) => return (counter.unwrap(), spent, until),
        }
    }
    unreachable!("a limit ends")
}

#[test]
fn after_the_allowance_each_try_has_to_wait_twice_as_long() {
    let limit = Limit::of_account(3);
    let (mut counter, spent, mut until) = exhaust(&limit, None, at(0));
    assert_eq!((spent, until), (3, at(30)));
    let mut now = at(0);
    for wait in [60, 120, 240, 480, 960, 1920, 3600, 3600] {
        now = until;
        let (next, spent, blocked) = exhaust(&limit, Some(counter), now);
        assert_eq!((spent, blocked), (1, now.plus(Duration::from_secs(wait))));
        (counter, until) = (next, blocked);
    }
    let early = now.plus(Duration::from_secs(3599));
    assert_eq!(limit.spend(Some(&counter), early), Err(until));
}

#[test]
fn a_hundred_guesses_are_the_most_within_thirty_days() {
    let limit = Limit::of_account(10);
    let (mut counter, mut spent, mut until) = exhaust(&limit, None, at(0));
    while until < at(30 * 24 * 3600) {
        let (next, more, blocked) = exhaust(&limit, Some(counter), until);
        (counter, spent, until) = (next, spent + more, blocked);
    }
    assert_eq!((spent, until), (100, at(30 * 24 * 3600)));
    assert_eq!(
        exhaust(&limit, Some(counter), until).1,
        10,
        "and all is forgotten"
    );
}

#[test]
fn an_hourly_limit_begins_anew_after_an_hour() {
    let limit = Limit::hourly(5);
    let (counter, spent, until) = exhaust(&limit, None, at(0));
    assert_eq!((spent, until), (5, at(3600)));
    assert!(limit.spend(Some(&counter), at(3599)).is_err());
    assert_eq!(exhaust(&limit, Some(counter), at(3600)).1, 5);
}

#[test]
fn spaced_attempts_wait_for_each_other_and_end() {
    let limit = Limit::spaced(Duration::from_mins(1), 3);
    let mut counter = None;
    for seconds in [0, 60, 120] {
        let early = limit.spend(counter.as_ref(), at(seconds - 1));
        assert!(counter.is_none() || early == Err(at(seconds)));
        counter = limit.spend(counter.as_ref(), at(seconds)).ok();
    }
    assert_eq!(limit.spend(counter.as_ref(), at(3599)), Err(at(3600)));
    assert_eq!(limit.spend(counter.as_ref(), at(3600)).unwrap().count, 1);
}

#[test]
fn the_window_ends_a_wait() {
    let limit = Limit::of_client_ip(1);
    let mut counter = limit.spend(None, at(0)).unwrap();
    for seconds in [60, 180, 420, 900, 1800, 2700] {
        counter = limit.spend(Some(&counter), at(seconds)).unwrap();
    }
    assert_eq!(limit.spend(Some(&counter), at(3000)), Err(at(3600)));
}

#[test]
fn a_place_is_an_address_or_the_network_of_one() {
    let key = |source: &str| AttemptKey::of_client_ip(Scope::Source, source.parse().ok());
    assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
    assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
    assert_eq!(key("::ffff:192.0.2.7"), key("192.0.2.7"));
    assert_ne!(key("192.0.2.7"), key("192.0.2.8"));
    assert_ne!(key("192.0.2.7"), key("none"));
    let other = AttemptKey::of_client_ip(Scope::SignUp, "192.0.2.7".parse().ok());
    assert_ne!(key("192.0.2.7"), other);
}

#[test]
fn an_address_is_not_stored() {
    let email: Email = "ann@example.com".parse().unwrap();
    let key = AttemptKey::of_address(Scope::Account, &email);
    assert!(!format!("{key:?}").contains("ann"));
    let welcome = AttemptKey::of_mail("welcome", 0, &email);
    assert!(!format!("{welcome:?}").contains("ann"));
    assert_ne!(welcome, AttemptKey::of_mail("password-reset", 0, &email));
}

#[test]
fn without_its_only_attempt_a_counter_is_gone() {
    let limit = Limit::hourly(2);
    let one = limit.spend(None, at(0)).unwrap();
    let two = limit.spend(Some(&one), at(1)).unwrap();
    assert_eq!(two.refunded(at(2)).map(|counter| counter.count), Some(1));
    assert_eq!(one.refunded(at(2)), None);
}
