//! The directory: `GET /users` without HTTP.
//!
//! It uses one core and no other machine: while nothing else runs, the time that passes is CPU time.

mod questions;
mod sample;

use clap::Args;
use shared::directory::{Columns, Row};

use crate::timing::Timings;

/// What to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// How many users there are; may be given more than once.
    #[arg(long, value_name = "N", default_values_t = [1_000, 10_000, 100_000, 1_000_000])]
    users: Vec<u32>,
}

/// Runs of each question.
const RUNS: usize = 101;

/// Measures and prints.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    println!(
        "{:>9} {:44} {:>9} {:>9} {:>9}",
        "users", "question", "total", "p50/ms", "p99/ms"
    );
    for &count in &options.users {
        measure(count)?;
    }
    Ok(())
}

fn measure(count: u32) -> anyhow::Result<()> {
    let mut columns = Columns::new();
    for user in sample::users(count) {
        columns.upsert(&Row::Present(user?))?;
    }
    for question in questions::all(count)? {
        let total = columns.list(&question.listing)?.total;
        let timings = Timings::of(RUNS, || Ok(columns.list(&question.listing)?))?;
        println!(
            "{count:>9} {:44} {total:>9} {:>9.3} {:>9.3}",
            question.name,
            timings.percentile(50),
            timings.percentile(99)
        );
    }
    println!("{count:>9} octets of columns: {}", columns.memory());
    Ok(())
}
