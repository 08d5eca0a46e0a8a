//! The directory: what answers `GET /users`, without HTTP in front of it.
//!
//! Questions are asked of columns in memory, on one thread. CPU time is the mean of all runs; times
//! that pass are longer by what others run on the machine. A simple service's way to answer the same
//! stands beside them: `SQLite`, in memory too, with `LIKE '%…%'` and a count. What a process costs in all is measured over the
//! local stack's DynamoDB, which runs in this process and takes its share of the time.

mod feed;
mod questions;
mod sqlite;
mod stand;

use anyhow::{Context as _, anyhow};
use clap::Args;
use cli::seed::people::person;
use shared::{
    directory::{Columns, Row},
    domain::user::Profile,
};

use self::{sqlite::Sqlite, stand::Stand};
use crate::{
    cpu,
    timing::{Timings, millis},
};

/// What to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// How many users there are; may be given more than once
    #[arg(long, value_name = "N", default_values_t = [1_000, 10_000, 100_000, 1_000_000])]
    users: Vec<u32>,
}

/// Runs of each question.
const RUNS: u16 = 101;

/// Runs of each question to `SQLite`, which takes its time.
const SQLITE_RUNS: u16 = 11;

/// Measures and prints.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    println!(
        "| users | question | matches | CPU ms | p50 ms | p99 ms | first ms | SQLite p50 ms |"
    );
    println!("|--:|---|--:|--:|--:|--:|--:|--:|");
    let mut processes = Vec::new();
    for &count in &options.users {
        let users = (0..u64::from(count))
            .map(person)
            .collect::<Result<Vec<_>, _>>();
        let users = users.map_err(|violation| anyhow!(violation.message))?;
        let columns = ask(count, &users)?;
        processes.push(process(users, &columns).await?);
    }
    println!();
    println!(
        "| users | columns MB | bytes a user | snapshot MB | segments | unpack CPU ms | written ms \
         | cold ms | list p50 ms | requests | read units | fresh write ms |"
    );
    println!("|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for process in processes {
        println!("{process}");
    }
    Ok(())
}

/// Prints a row for each question.
fn ask(count: u32, users: &[Profile]) -> anyhow::Result<Columns> {
    let mut columns = Columns::new();
    for user in users {
        columns.upsert(&Row::Present(user.clone()))?;
    }
    let sqlite = Sqlite::with(users)?;
    for question in questions::all(count)? {
        // The first two, of which one makes the order that is kept.
        let first = Timings::of(2, || Ok(columns.list(&question.listing)?))?;
        let total = columns.list(&question.listing)?.total;
        let ask = || Timings::of(RUNS, || Ok(columns.list(&question.listing)?));
        let (cpu, timings) = cpu::taken(ask)?;
        let same = sqlite.total(&question)?;
        anyhow::ensure!(same == total, "{}: {total}, SQLite: {same}", question.name);
        let theirs = Timings::of(SQLITE_RUNS, || {
            Ok((sqlite.total(&question)?, sqlite.page(&question)?))
        })?;
        println!(
            "| {count} | {} | {total} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} |",
            question.name,
            millis(cpu) / f64::from(RUNS),
            timings.percentile(50),
            timings.percentile(99),
            first.percentile(100),
            theirs.percentile(50),
        );
    }
    Ok(columns)
}

/// A row of what a process of the directory costs.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
async fn process(users: Vec<Profile>, columns: &Columns) -> anyhow::Result<String> {
    let (count, memory) = (columns.len(), columns.memory());
    let segments = columns.segments()?;
    let packed: usize = segments.iter().map(Vec::len).sum();
    let unpacked = || {
        let mut unpacked = Columns::new();
        for segment in &segments {
            unpacked.load(segment)?;
        }
        Ok(unpacked)
    };
    let (unpack, _) = cpu::taken(unpacked)?;

    let stand = Stand::start().await.context("the local stack")?;
    let written = stand.snapshot(users).await?;
    let (directory, cold) = stand.cold().await?;
    let warm = stand.warm(&directory).await?;
    let fresh = stand.fresh_write(&directory).await?;
    Ok(format!(
        "| {count} | {:.1} | {:.0} | {:.1} | {} | {:.0} | {:.0} | {:.0} | {:.2} | {} | {} | {:.2} |",
        memory as f64 / 1e6,
        memory as f64 / count as f64,
        packed as f64 / 1e6,
        segments.len(),
        millis(unpack),
        millis(written),
        millis(cold),
        warm.timings.percentile(50),
        warm.requests,
        warm.read,
        fresh.percentile(50),
    ))
}
