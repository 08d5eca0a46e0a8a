//! A lease is held by one at a time, and done once.

use std::time::Duration;

use serde_json::{Value, json};
use shared::application::ports::{Claimed, Lease, LeaseKey, LeaseOptions, Purpose, Settled};

use crate::{
    contract,
    ports::{INSTANT, Ports},
};

contract!(
    a_free_claim_is_won,
    a_held_claim_is_running,
    of_parallel_claimants_one_wins,
    a_lapsed_lease_can_be_taken_over_with_what_was_reserved,
    a_done_claim_tells_its_result,
    any_json_comes_back_as_it_was_given,
    a_settled_claim_cannot_be_settled_again,
    who_was_taken_over_can_settle_nothing,
    who_was_taken_over_can_release_nothing,
    a_late_holder_may_settle_if_nobody_took_over,
    a_released_claim_can_be_taken_at_once,
    a_done_claim_cannot_be_released,
    a_witness_settles_for_the_holder,
    a_witness_of_nothing_is_ignored,
    after_its_retention_a_claim_never_was,
    nothing_can_be_written_to_an_expired_claim,
    keys_of_different_purposes_are_different,
);

const LEASE: Duration = Duration::from_secs(30);
const RETENTION: Duration = Duration::from_hours(24);

fn key() -> LeaseKey {
    LeaseKey::new(Purpose::SignUp, "key-1")
}

fn options(name: &str) -> LeaseOptions {
    LeaseOptions {
        fingerprint: format!("fingerprint of {name}"),
        reserved: json!({ "userId": name }),
        lease: LEASE,
        retention: RETENTION,
    }
}

async fn claim(ports: &Ports, name: &str) -> Claimed {
    ports.leases.claim(&key(), &options(name)).await.unwrap()
}

async fn win(ports: &Ports, name: &str) -> Lease {
    match claim(ports, name).await {
        Claimed::Won(lease) => lease,
        other => panic!("not won: {other:?}"),
    }
}

fn running(name: &str) -> Claimed {
    Claimed::Running {
        fingerprint: options(name).fingerprint,
    }
}

fn done(name: &str, result: Value) -> Claimed {
    Claimed::Done(Settled {
        fingerprint: options(name).fingerprint,
        result,
    })
}

async fn a_free_claim_is_won(ports: Ports) {
    let lease = win(&ports, "ann").await;
    let expected = Lease {
        key: key(),
        fence: 1,
        fingerprint: options("ann").fingerprint,
        reserved: options("ann").reserved,
        abandoned: false,
    };
    assert_eq!(lease, expected);
}

async fn a_held_claim_is_running(ports: Ports) {
    win(&ports, "ann").await;
    (ports.advance)(LEASE.saturating_sub(INSTANT));
    assert_eq!(claim(&ports, "bob").await, running("ann"));
}

async fn of_parallel_claimants_one_wins(ports: Ports) {
    for round in 1..=3 {
        let tasks: Vec<_> = (0..20)
            .map(|n| {
                let leases = ports.leases.clone();
                tokio::spawn(async move { leases.claim(&key(), &options(&n.to_string())).await })
            })
            .collect();
        let mut winners = Vec::new();
        for task in tasks {
            match task.await.unwrap().unwrap() {
                Claimed::Won(lease) => winners.push(lease),
                Claimed::Running { .. } => {}
                Claimed::Done(_) => panic!("nobody settled it"),
            }
        }
        let fences: Vec<_> = winners.iter().map(|lease| lease.fence).collect();
        assert_eq!(fences, [round]);
        (ports.advance)(LEASE);
    }
}

async fn a_lapsed_lease_can_be_taken_over_with_what_was_reserved(ports: Ports) {
    let first = win(&ports, "ann").await;
    (ports.advance)(LEASE);

    let second = win(&ports, "bob").await;

    let expected = Lease {
        fence: 2,
        abandoned: true,
        ..first
    };
    assert_eq!(second, expected);
    assert_eq!(claim(&ports, "eve").await, running("ann"));
}

async fn a_done_claim_tells_its_result(ports: Ports) {
    let held = win(&ports, "ann").await;
    assert!(
        ports
            .leases
            .settle(&held, &json!({ "status": 201 }))
            .await
            .unwrap()
    );
    assert_eq!(
        claim(&ports, "bob").await,
        done("ann", json!({ "status": 201 }))
    );
    (ports.advance)(LEASE);
    assert_eq!(
        claim(&ports, "bob").await,
        done("ann", json!({ "status": 201 }))
    );
}

async fn any_json_comes_back_as_it_was_given(ports: Ports) {
    for (n, value) in [
        Value::Null,
        json!(""),
        json!([]),
        json!({ "big": u64::MAX, "small": -0.1, "deep": [{ "x": null }], "": "ü" }),
    ]
    .into_iter()
    .enumerate()
    {
        let key = LeaseKey::new(Purpose::Mail, format!("json-{n}"));
        let options = LeaseOptions {
            reserved: value.clone(),
            ..options("ann")
        };
        let Claimed::Won(held) = ports.leases.claim(&key, &options).await.unwrap() else {
            panic!("not won");
        };
        assert_eq!(held.reserved, value);
        assert!(ports.leases.settle(&held, &value).await.unwrap());
        assert_eq!(
            ports.leases.claim(&key, &options).await.unwrap(),
            done("ann", value)
        );
    }
}

async fn a_settled_claim_cannot_be_settled_again(ports: Ports) {
    let held = win(&ports, "ann").await;
    assert!(ports.leases.settle(&held, &json!(1)).await.unwrap());
    assert!(!ports.leases.settle(&held, &json!(1)).await.unwrap());
    assert!(!ports.leases.settle(&held, &json!(2)).await.unwrap());
    assert_eq!(claim(&ports, "bob").await, done("ann", json!(1)));
}

async fn who_was_taken_over_can_settle_nothing(ports: Ports) {
    let first = win(&ports, "ann").await;
    (ports.advance)(LEASE);
    let second = win(&ports, "bob").await;

    assert!(!ports.leases.settle(&first, &json!("late")).await.unwrap());
    assert_eq!(claim(&ports, "eve").await, running("ann"));
    assert!(
        ports
            .leases
            .settle(&second, &json!("in time"))
            .await
            .unwrap()
    );
    assert!(!ports.leases.settle(&first, &json!("late")).await.unwrap());
    assert_eq!(claim(&ports, "eve").await, done("ann", json!("in time")));
}

async fn who_was_taken_over_can_release_nothing(ports: Ports) {
    let first = win(&ports, "ann").await;
    (ports.advance)(LEASE);
    win(&ports, "bob").await;

    ports.leases.release(&first).await.unwrap();

    assert_eq!(claim(&ports, "eve").await, running("ann"));
}

async fn a_late_holder_may_settle_if_nobody_took_over(ports: Ports) {
    let held = win(&ports, "ann").await;
    (ports.advance)(LEASE * 2);
    assert!(ports.leases.settle(&held, &json!(1)).await.unwrap());
    assert_eq!(claim(&ports, "bob").await, done("ann", json!(1)));
}

async fn a_released_claim_can_be_taken_at_once(ports: Ports) {
    let first = win(&ports, "ann").await;
    ports.leases.release(&first).await.unwrap();

    let second = win(&ports, "bob").await;

    assert_eq!(second.reserved, first.reserved);
    assert_eq!(second.fence, 2);
    assert!(!second.abandoned);
    (ports.advance)(LEASE);
    assert!(win(&ports, "eve").await.abandoned);
    assert!(!ports.leases.settle(&first, &json!("late")).await.unwrap());
}

async fn a_done_claim_cannot_be_released(ports: Ports) {
    let held = win(&ports, "ann").await;
    ports.leases.settle(&held, &json!(1)).await.unwrap();
    ports.leases.release(&held).await.unwrap();
    assert_eq!(claim(&ports, "bob").await, done("ann", json!(1)));
}

async fn a_witness_settles_for_the_holder(ports: Ports) {
    let held = win(&ports, "ann").await;

    assert!(ports.leases.witness(&key(), &json!("seen")).await.unwrap());

    assert!(!ports.leases.witness(&key(), &json!("seen")).await.unwrap());
    assert!(!ports.leases.settle(&held, &json!("late")).await.unwrap());
    (ports.advance)(LEASE);
    assert_eq!(claim(&ports, "bob").await, done("ann", json!("seen")));
}

async fn a_witness_of_nothing_is_ignored(ports: Ports) {
    assert!(!ports.leases.witness(&key(), &json!("seen")).await.unwrap());
    assert_eq!(win(&ports, "ann").await.fence, 1);
}

async fn after_its_retention_a_claim_never_was(ports: Ports) {
    let first = win(&ports, "ann").await;
    ports.leases.settle(&first, &json!(1)).await.unwrap();
    (ports.advance)(RETENTION.saturating_sub(INSTANT));
    assert_eq!(claim(&ports, "bob").await, done("ann", json!(1)));
    (ports.advance)(INSTANT);

    let second = win(&ports, "bob").await;

    assert_eq!(second.fence, 1);
    assert!(!second.abandoned);
    assert_eq!(second.reserved, options("bob").reserved);
    assert_eq!(second.fingerprint, options("bob").fingerprint);
    assert!(!ports.leases.settle(&first, &json!("late")).await.unwrap());
    assert!(ports.leases.settle(&second, &json!(2)).await.unwrap());
    assert_eq!(claim(&ports, "eve").await, done("bob", json!(2)));
}

async fn nothing_can_be_written_to_an_expired_claim(ports: Ports) {
    let held = win(&ports, "ann").await;
    (ports.advance)(RETENTION);
    assert!(!ports.leases.settle(&held, &json!(1)).await.unwrap());
    assert!(!ports.leases.witness(&key(), &json!(1)).await.unwrap());
    ports.leases.release(&held).await.unwrap();
    assert_eq!(
        win(&ports, "bob").await.fingerprint,
        options("bob").fingerprint
    );
}

async fn keys_of_different_purposes_are_different(ports: Ports) {
    win(&ports, "ann").await;
    let other = LeaseKey::new(Purpose::Mail, key().key);
    let claimed = ports.leases.claim(&other, &options("bob")).await.unwrap();
    assert!(matches!(claimed, Claimed::Won(lease) if lease.key == other));
}
