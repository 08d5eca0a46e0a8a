//! Tries are spent, given back and forgotten; however many come at once, no more than allowed are
//! admitted.

use std::time::Duration;

use futures::future::join_all;
use shared::{
    application::ports::{Acquisition, Lock},
    domain::{
        Timestamp, UserId,
        attempt::{AttemptKey, Limit, Scope, sign_in_locked},
        audit::Trace,
        sign_ins::LOCK_KEPT,
    },
};

use crate::{
    contract,
    ports::{INSTANT, Ports, email},
};

contract!(
    no_more_than_the_allowance_are_admitted_at_once,
    one_of_many_is_admitted_when_a_lock_ends,
    waits_grow_and_end,
    a_window_begins_anew,
    a_try_given_back_can_be_spent_again,
    a_try_given_back_leaves_no_trace,
    cleared_tries_are_forgotten,
    subjects_and_scopes_do_not_meet,
    a_lock_is_announced_once,
    a_lock_is_kept_for_its_user,
    locks_are_forgotten_with_their_user,
);

fn key() -> AttemptKey {
    AttemptKey::of_address(Scope::Account, &email("ann@example.com"))
}

const TEN: Limit = Limit {
    allowance: 10,
    first_wait: Duration::from_secs(30),
    longest_wait: Duration::from_mins(2),
    window: Duration::from_hours(1),
    most: 13,
};

async fn spend(ports: &Ports) -> Acquisition {
    ports.attempts.spend(&key(), &TEN).await.unwrap()
}

/// Spends this many at once; gives how many were admitted.
async fn spend_at_once(ports: &Ports, tries: usize) -> usize {
    let tries = (0..tries).map(|_| {
        let attempts = ports.attempts.clone();
        tokio::spawn(async move { attempts.spend(&key(), &TEN).await.unwrap() })
    });
    let spent = join_all(tries).await.into_iter();
    spent
        .filter(|spent| *spent.as_ref().unwrap() == Acquisition::Acquired)
        .count()
}

fn refused(until: Timestamp) -> Acquisition {
    let announced = false;
    Acquisition::Limited { until, announced }
}

async fn no_more_than_the_allowance_are_admitted_at_once(ports: Ports) {
    assert_eq!(spend_at_once(&ports, 500).await, 10);
    let until = ports.now().plus(TEN.first_wait);
    assert_eq!(spend(&ports).await, refused(until));
}

async fn one_of_many_is_admitted_when_a_lock_ends(ports: Ports) {
    spend_at_once(&ports, 10).await;
    (ports.advance)(TEN.first_wait);
    assert_eq!(spend_at_once(&ports, 50).await, 1);
}

async fn waits_grow_and_end(ports: Ports) {
    let start = ports.now();
    spend_at_once(&ports, 10).await;
    for wait in [30, 60, 120] {
        (ports.advance)(Duration::from_secs(wait).saturating_sub(INSTANT));
        let until = ports.now().plus(INSTANT);
        assert_eq!(
            spend(&ports).await,
            refused(until),
            "a refusal does not prolong it"
        );
        (ports.advance)(INSTANT);
        assert_eq!(spend(&ports).await, Acquisition::Acquired);
    }
    assert_eq!(
        spend(&ports).await,
        refused(start.plus(TEN.window)),
        "13 are the most"
    );
}

async fn a_window_begins_anew(ports: Ports) {
    spend_at_once(&ports, 9).await;
    (ports.advance)(TEN.window.saturating_sub(INSTANT));
    assert_eq!(spend_at_once(&ports, 20).await, 1);
    (ports.advance)(INSTANT);
    assert_eq!(spend_at_once(&ports, 20).await, 10);
}

async fn a_try_given_back_can_be_spent_again(ports: Ports) {
    ports.attempts.refund(&key()).await.unwrap();
    spend_at_once(&ports, 10).await;
    ports.attempts.refund(&key()).await.unwrap();
    assert_eq!(spend_at_once(&ports, 20).await, 1);
    for _ in 0..12 {
        ports.attempts.refund(&key()).await.unwrap();
    }
    assert_eq!(
        spend_at_once(&ports, 20).await,
        10,
        "never more than were spent"
    );
}

/// Whoever guesses next must not see that somebody else was there and was right.
async fn a_try_given_back_leaves_no_trace(ports: Ports) {
    spend(&ports).await;
    ports.attempts.refund(&key()).await.unwrap();
    (ports.advance)(Duration::from_mins(59));
    spend_at_once(&ports, 10).await;
    let refusal = refused(ports.now().plus(TEN.first_wait));
    assert_eq!(spend(&ports).await, refusal);
    (ports.advance)(TEN.first_wait.saturating_mul(10));
    assert_eq!(spend(&ports).await, Acquisition::Acquired);
    ports.attempts.refund(&key()).await.unwrap();
    assert_eq!(
        spend(&ports).await,
        Acquisition::Acquired,
        "it need not wait"
    );
    let refusal = refused(ports.now().plus(TEN.first_wait.saturating_mul(2)));
    assert_eq!(spend(&ports).await, refusal, "and the window is its own");
}

async fn cleared_tries_are_forgotten(ports: Ports) {
    spend_at_once(&ports, 10).await;
    for _ in 0..2 {
        ports.attempts.clear(&key()).await.unwrap();
    }
    assert_eq!(spend_at_once(&ports, 20).await, 10);
}

async fn subjects_and_scopes_do_not_meet(ports: Ports) {
    spend_at_once(&ports, 10).await;
    for other in [
        AttemptKey::of_address(Scope::Account, &email("bob@example.com")),
        AttemptKey::of_address(Scope::MailTo, &email("ann@example.com")),
        AttemptKey::of_client_ip(Scope::Source, None),
    ] {
        let spent = ports.attempts.spend(&other, &TEN).await.unwrap();
        assert_eq!(spent, Acquisition::Acquired, "{other:?}");
    }
}

fn lock(ports: &Ports, user: Option<UserId>) -> Lock {
    Lock {
        event: sign_in_locked(user, &ports.metadata()),
        from: Trace {
            source_address: Some([192, 0, 2, 7].into()),
            request_id: Some("request-1".to_owned()),
        },
    }
}

async fn locks_are_forgotten_with_their_user(ports: Ports) {
    let (ann, bob) = (ports.user_id(), ports.user_id());
    let until = ports.now().plus(TEN.first_wait);
    for user in [ann, bob] {
        let lock = lock(&ports, Some(user));
        ports.attempts.announce(&key(), until, &lock).await.unwrap();
    }
    for _ in 0..2 {
        ports.attempts.forget_locks(ann).await.unwrap();
        assert_eq!(ports.attempts.locks(ann).await.unwrap(), []);
        assert_eq!(ports.attempts.locks(bob).await.unwrap().len(), 1);
    }
}

/// However many announce one lock, the first event is the one that is kept.
async fn a_lock_is_kept_for_its_user(ports: Ports) {
    let (ann, bob) = (ports.user_id(), ports.user_id());
    let until = ports.now().plus(TEN.first_wait);
    let lock = self::lock(&ports, Some(ann));
    for lock in [&lock, &lock, &self::lock(&ports, Some(ann))] {
        ports.attempts.announce(&key(), until, lock).await.unwrap();
    }
    let nobodys = self::lock(&ports, None);
    let other = AttemptKey::of_address(Scope::Account, &email("bob@example.com"));
    ports
        .attempts
        .announce(&other, until, &nobodys)
        .await
        .unwrap();
    ports.attempts.clear(&key()).await.unwrap();
    let kept = ports.attempts.locks(ann).await.unwrap();
    assert_eq!(kept, std::slice::from_ref(&lock));
    assert_eq!(ports.attempts.locks(bob).await.unwrap(), []);

    (ports.advance)(TEN.first_wait);
    let later = until.plus(TEN.first_wait);
    let next = self::lock(&ports, Some(ann));
    ports.attempts.announce(&key(), later, &next).await.unwrap();
    assert_eq!(ports.attempts.locks(ann).await.unwrap(), [lock, next]);
    (ports.advance)(LOCK_KEPT);
    assert_eq!(ports.attempts.locks(ann).await.unwrap(), []);
}

async fn a_lock_is_announced_once(ports: Ports) {
    let lock = lock(&ports, None);
    let announce = async |until| {
        let announced = ports.attempts.announce(&key(), until, &lock).await;
        announced.unwrap();
    };
    announce(ports.now()).await;
    assert_eq!(
        spend(&ports).await,
        Acquisition::Acquired,
        "nothing to announce"
    );
    spend_at_once(&ports, 9).await;
    let until = ports.now().plus(TEN.first_wait);
    assert_eq!(spend(&ports).await, refused(until));
    for _ in 0..2 {
        announce(until).await;
        let announced = true;
        assert_eq!(
            spend(&ports).await,
            Acquisition::Limited { until, announced }
        );
    }
    // The next lock is another one.
    (ports.advance)(TEN.first_wait);
    assert_eq!(spend(&ports).await, Acquisition::Acquired);
    let until = ports.now().plus(TEN.first_wait.saturating_mul(2));
    assert_eq!(spend(&ports).await, refused(until));
}
