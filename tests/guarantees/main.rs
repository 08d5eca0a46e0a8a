//! The guarantees of `docs/architecture.md` over all use cases at once: every command, the relay and every
//! observer over memory, with a fault at each call of a port.
//!
//! `ROSTER_CRASHES=all` tries every fault with every way in which events can travel; otherwise each is
//! tried with events that travel as they should, and one in so many with the others.

#![expect(clippy::expect_used, reason = "what a test does not expect fails it")]
#![expect(clippy::print_stdout, reason = "says how much it tried")]

mod deliveries;
mod functions;
mod ledger;
mod lives;
mod outage;
mod outcome;
mod template;
mod trials;
mod world;

use std::{cell::RefCell, collections::BTreeSet, thread, time::Instant};

use local::template::Model;
use shared::domain::mail::MailGuarantee;

use self::{
    functions::Settings,
    lives::{LIVES, Life},
    trials::Trials,
    world::{Deployment, Travel, World},
};

/// Logical ids of functions.
type Workers = BTreeSet<String>;

const PLAIN: Travel = Travel {
    name: "as they should",
    twice: false,
    throttled: false,
    delayed: false,
    newest_first: false,
    reports_first: false,
    guarantee: MailGuarantee::NeverLost,
};

/// The ways in which events travel.
const TRAVELS: &[Travel] = &[
    PLAIN,
    Travel {
        name: "reports at once",
        reports_first: true,
        ..PLAIN
    },
    Travel {
        name: "twice",
        twice: true,
        ..PLAIN
    },
    Travel {
        name: "late, past a bus that refuses them",
        throttled: true,
        delayed: true,
        ..PLAIN
    },
    Travel {
        name: "late, the newest first",
        delayed: true,
        newest_first: true,
        ..PLAIN
    },
    Travel {
        name: "never twice a mail",
        guarantee: MailGuarantee::NeverTwice,
        ..PLAIN
    },
];

/// Of the faults with events that do not travel as they should, one in so many is tried. A prime, so that
/// over the lives all kinds of faults meet all kinds of calls.
const STRIDE: usize = 29;

/// One life with faults in each of its steps; returns what was tried and who worked.
async fn live(model: &Model, life: &Life, travel: Travel, stride: usize) -> (Trials, Workers) {
    let settings = Settings {
        policy: life.policy,
        guarantee: travel.guarantee,
    };
    let deployment = Deployment {
        travel,
        model,
        endpoints: functions::endpoints(settings),
        observers: functions::observers(settings),
        worked: RefCell::default(),
    };
    let trials = Trials::new(
        format!("{}, events travel {}", life.name, travel.name),
        stride,
    );
    let world = World::new(&deployment, Some(&trials));
    let admin = lives::administrator(&world).await;
    (life.live)(&world, &admin).await;
    assert!(!world.is_stranded.get(), "a mail is lost without a fault");
    (trials, deployment.worked.into_inner())
}

/// What came of a life under each way in which events travel.
#[derive(Default)]
struct Tally {
    tried: usize,
    calls: BTreeSet<&'static str>,
    worked: Workers,
}

impl Tally {
    fn of(model: &Model, life: &Life, is_thorough: bool) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.expect("a runtime");
        let mut tally = Self::default();
        for &travel in TRAVELS {
            let stride = if is_thorough || travel == PLAIN {
                1
            } else {
                STRIDE
            };
            let (trials, worked) = runtime.block_on(live(model, life, travel, stride));
            println!("{}: {} faults", trials.name, trials.tried.get());
            tally.add(Self {
                tried: trials.tried.get(),
                calls: trials.calls.into_inner(),
                worked,
            });
        }
        tally
    }

    fn add(&mut self, other: Self) {
        self.tried += other.tried;
        self.calls.extend(other.calls);
        self.worked.extend(other.worked);
    }
}

#[test]
fn no_fault_breaks_a_guarantee() {
    let started = Instant::now();
    let model = &template::read();
    let is_thorough = std::env::var("ROSTER_CRASHES").is_ok_and(|value| value == "all");
    let mut tally = Tally::default();
    thread::scope(|scope| {
        let lives = LIVES
            .iter()
            .map(|life| scope.spawn(move || Tally::of(model, life, is_thorough)));
        for life in lives.collect::<Vec<_>>() {
            tally.add(life.join().expect("a guarantee is broken"));
        }
    });
    let (tried, calls) = (tally.tried, tally.calls.len());
    let elapsed = started.elapsed();
    println!("{tried} faults at {calls} kinds of calls in {elapsed:.1?}");
    let all = template::workers(model);
    let idle: Vec<_> = all.difference(&tally.worked).collect();
    assert!(idle.is_empty(), "no life has work for {idle:?}");
}
