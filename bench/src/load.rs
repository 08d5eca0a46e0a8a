//! Load: requests that come at a given rate, whether or not the ones before are answered.
//!
//! The rate goes up until some wait too long; then many times as much comes, to see that the stack refuses what
//! it cannot do and goes on. Clients, functions and tables share this machine.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::ensure;
use clap::Args;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::MissedTickBehavior};

use crate::{
    stack::{self, PASSWORD},
    timing::Timings,
};

/// What to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// How long each rate is held
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    seconds: u64,
}

/// 99 of 100 answers must come faster, in milliseconds.
const GOAL: f64 = 1_000.0;

/// Requests a second at first; each next rate is half as much more.
const FIRST_RATE: f64 = 4.0;

/// What comes in the end, to the rate at which some waited too long.
const BEYOND: f64 = 8.0;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
enum Kind {
    SignUp,
    SignIn,
}

/// What became of the requests of one rate.
#[derive(Default)]
struct Step {
    timings: Timings,
    statuses: BTreeMap<u16, usize>,
    /// Answers of 429 and 503 that do not say when to come again.
    without_retry_after: usize,
    /// From the first request to the last answer.
    took: Duration,
}

struct Load {
    client: Client,
    url: String,
    /// Accounts that were signed up so far.
    accounts: AtomicUsize,
}

/// Measures and prints.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let running = stack::start().await?;
    let load = Arc::new(Load {
        client: Client::new(),
        url: running.api_url.clone(),
        accounts: AtomicUsize::new(0),
    });
    println!(
        "| | a second | answered a second | p50 ms | p99 ms | statuses | without Retry-After |"
    );
    println!("|---|--:|--:|--:|--:|---|--:|");
    for kind in [Kind::SignUp, Kind::SignIn] {
        // Processes start, which is not what is asked here.
        load.step(kind, FIRST_RATE, options.seconds).await?;
        let mut rate = FIRST_RATE;
        loop {
            let step = load.step(kind, rate, options.seconds).await?;
            println!("{}", step.row(kind, rate));
            if !step.is_good() {
                break;
            }
            rate *= 1.5;
        }
        let beyond = load.step(kind, rate * BEYOND, options.seconds).await?;
        println!("{}", beyond.row(kind, rate * BEYOND));
        ensure!(
            beyond.only_refuses(),
            "it falls over: {:?}",
            beyond.statuses
        );
        let after = load.step(kind, FIRST_RATE, options.seconds).await?;
        println!("{}", after.row(kind, FIRST_RATE));
        ensure!(after.is_good(), "it does not come back");
    }
    running.stop().await;
    Ok(())
}

impl Load {
    /// Requests at this rate, for so long, and all their answers.
    async fn step(self: &Arc<Self>, kind: Kind, rate: f64, seconds: u64) -> anyhow::Result<Step> {
        let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / rate));
        // What comes late comes at once: people do not wait for each other.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let started = Instant::now();
        let mut requests = JoinSet::new();
        while started.elapsed() < Duration::from_secs(seconds) {
            ticks.tick().await;
            let load = Arc::clone(self);
            requests.spawn(async move { load.request(kind).await });
        }
        let mut step = Step::default();
        while let Some(answer) = requests.join_next().await {
            let (status, retry_after, took) = answer??;
            *step.statuses.entry(status.as_u16()).or_default() += 1;
            let refused = [
                StatusCode::TOO_MANY_REQUESTS,
                StatusCode::SERVICE_UNAVAILABLE,
            ];
            if refused.contains(&status) && !retry_after {
                step.without_retry_after += 1;
            }
            step.timings.add(took);
        }
        step.took = started.elapsed();
        Ok(step)
    }

    /// The status, whether it says when to come again, and how long it took.
    async fn request(&self, kind: Kind) -> reqwest::Result<(StatusCode, bool, Duration)> {
        let (path, body) = match kind {
            Kind::SignUp => {
                let number = self.accounts.fetch_add(1, Ordering::Relaxed);
                let email = format!("load{number}@example.com");
                (
                    "users",
                    json!({"email": email, "name": "Ann", "password": PASSWORD}),
                )
            }
            Kind::SignIn => ("sessions", self.sign_in()),
        };
        let started = Instant::now();
        let url = format!("{}/{path}", self.url);
        let response = self.client.post(url).json(&body).send().await?;
        let status = response.status();
        let retry_after = response.headers().contains_key("retry-after");
        let _body = response.bytes().await?;
        Ok((status, retry_after, started.elapsed()))
    }

    /// Somebody of the first hundred, each in turn.
    fn sign_in(&self) -> Value {
        let number = self.accounts.fetch_add(1, Ordering::Relaxed) % 100;
        json!({"email": format!("load{number}@example.com"), "password": PASSWORD})
    }
}

impl Step {
    fn is_good(&self) -> bool {
        self.timings.percentile(99) < GOAL && self.statuses.keys().all(|status| *status == 201)
    }

    fn only_refuses(&self) -> bool {
        self.statuses
            .keys()
            .all(|status| [201, 429, 503].contains(status))
    }

    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    fn row(&self, kind: Kind, rate: f64) -> String {
        let answered: usize = self.statuses.values().sum();
        let statuses: Vec<_> = self
            .statuses
            .iter()
            .map(|(status, count)| format!("{count} x {status}"))
            .collect();
        format!(
            "| {kind:?} | {rate:.0} | {:.0} | {:.0} | {:.0} | {} | {} |",
            answered as f64 / self.took.as_secs_f64(),
            self.timings.percentile(50),
            self.timings.percentile(99),
            statuses.join(", "),
            self.without_retry_after,
        )
    }
}
