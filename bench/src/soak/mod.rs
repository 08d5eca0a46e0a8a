//! A soak: people use the real local stack while processes of functions are killed at random and a service
//! that is told of users fails at random. In the end nothing may be lost, and nothing doubled.

mod account;
mod audit;
mod client;
mod killer;
mod receiver;
mod stand;

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use clap::Args;
use tokio::task::JoinSet;

use self::{
    account::{Account, Failure},
    stand::Stand,
};

/// How long, and which.
#[derive(Args)]
pub(crate) struct Options {
    /// How long people are at work
    #[arg(long, value_name = "N", default_value_t = 2)]
    minutes: u64,
    /// What people and failures do follows from it, so that a run can be repeated; but for the order in
    /// which processes get their turn
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// How many people are at work at a time
    #[arg(long, value_name = "N", default_value_t = 6)]
    people: u64,
}

/// Processes that are killed at random: one in each period.
const KILL_EVERY: Duration = Duration::from_secs(1);

/// Soaks, audits and prints. Fails if anything was lost or doubled.
pub(crate) async fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let stand = Arc::new(Stand::start(options.seed).await?);
    let deadline = Instant::now() + Duration::from_secs(options.minutes * 60);
    let over = Arc::new(AtomicBool::new(false));

    let killing = tokio::spawn(killer::run(
        Arc::clone(&stand),
        Arc::clone(&over),
        fastrand::Rng::with_seed(options.seed),
        KILL_EVERY,
    ));
    let mut people = JoinSet::new();
    for number in 0..options.people {
        people.spawn(live(Arc::clone(&stand), options.seed, number, deadline));
    }
    let (mut accounts, mut failures) = (Vec::new(), Vec::new());
    while let Some(lived) = people.join_next().await {
        let (lived, failed) = lived?;
        accounts.extend(lived);
        failures.extend(failed);
    }
    over.store(true, Ordering::SeqCst);
    let kills = killing.await?;
    stand.receiver.recover();

    let drained = stand.drain().await.context("what was accepted is not done");
    if let Err(error) = drained {
        failures.push(Failure(format!("{error:#}")));
    }
    let findings = audit::run(&stand, &accounts, &kills).await?;
    println!("seed {}, {} people", options.seed, options.people);
    println!(
        "{} accounts, {} of them erased; {} actions; {} processes killed; {} requests repeated; \
         the service refused {} of {} deliveries; {} dead letters sent again; {:.0} s",
        accounts.len(),
        accounts.iter().filter(|account| account.erased).count(),
        accounts.iter().map(|account| account.actions).sum::<u64>(),
        kills.total(),
        stand.client.repeated(),
        stand.receiver.refused(),
        stand.receiver.asked(),
        stand.redriven(),
        started.elapsed().as_secs_f64(),
    );
    println!("{findings}");
    for failure in &failures {
        println!("failed: {failure}");
    }
    let sound = failures.is_empty() && findings.are_sound();
    println!("{}", if sound { "sound" } else { "NOT SOUND" });
    Ok(if sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// One person after the other signs up and lives, until `deadline`.
async fn live(
    stand: Arc<Stand>,
    seed: u64,
    person: u64,
    deadline: Instant,
) -> (Vec<Account>, Vec<Failure>) {
    let mut random = fastrand::Rng::with_seed(seed.wrapping_mul(0x9E37_79B9).wrapping_add(person));
    let (mut accounts, mut failures) = (Vec::new(), Vec::new());
    for number in 0.. {
        if Instant::now() >= deadline {
            break;
        }
        let email = format!("soak-{seed}-{person}-{number}@example.com");
        let mut account = Account::new(email);
        if let Err(failure) = account.live(&stand, &mut random, deadline).await {
            failures.push(failure);
        }
        accounts.push(account);
    }
    (accounts, failures)
}
