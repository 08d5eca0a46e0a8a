//! Cold starts: processes of the profile `deploy`, each from nothing to its first answer, by turns with one that
//! does nothing. The tables are behind TLS.

mod process;
mod stand;
mod tls;

use std::{path::Path, time::Duration};

use adapters::{argon2::Argon2, system::System};
use anyhow::Context as _;
use clap::Args;
use shared::{application::ports::PasswordHasher as _, domain::Password};

use self::{
    process::Taken,
    stand::{Case, Stand},
};
use crate::{cpu, timing::millis};

/// What to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// Processes of each function, of which the one with the least CPU time counts
    #[arg(long, value_name = "N", default_value_t = 20)]
    processes: usize,
    /// Events that each process gets after its first
    #[arg(long, value_name = "N", default_value_t = 30)]
    events: usize,
    /// A program, with its arguments, under which each process runs: `valgrind --tool=callgrind` says what a
    /// start is made of
    #[arg(
        long,
        value_name = "COMMAND",
        default_value = "",
        hide_default_value = true
    )]
    under: String,
}

/// What the processes of one function took at least.
struct Row {
    name: &'static str,
    binary: u64,
    first: Duration,
    warm: f64,
    resident_kib: u64,
    faults: u64,
}

impl Row {
    fn new(name: &'static str, binary: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            name,
            binary: binary.metadata()?.len(),
            first: Duration::MAX,
            warm: f64::MAX,
            resident_kib: u64::MAX,
            faults: u64::MAX,
        })
    }

    fn add(&mut self, taken: &Taken) {
        self.first = self.first.min(taken.first);
        self.warm = self.warm.min(taken.others.percentile(50));
        self.resident_kib = self.resident_kib.min(taken.resident_kib);
        self.faults = self.faults.min(taken.faults);
    }

    #[expect(clippy::cast_precision_loss, reason = "a table for people")]
    fn print(&self, hello: Duration) {
        let (first, binary) = (millis(self.first), self.binary as f64 / 1e6);
        let (name, times) = (self.name, first / millis(hello));
        let (resident, faults, warm) = (self.resident_kib as f64 / 1024.0, self.faults, self.warm);
        println!(
            "| {name} | {binary:.1} | {first:.2} | {times:.1} | {resident:.1} | {faults} | {warm:.2} |"
        );
    }
}

/// Measures and prints.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let names = Case::ALL.map(Case::binary);
    let folder = process::build(&names).await?;
    let mut stand = Stand::new(&options.under).await?;
    stand.sign_in(&folder).await?;
    let mut hello = Row::new("hello-world", &folder.join("hello"))?;
    let rows = Case::ALL.map(|case| Row::new(case.binary(), &folder.join(case.binary())));
    let mut rows = rows.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let mut hash = Duration::MAX;
    for _ in 0..options.processes {
        hello.add(&stand.hello(&folder, options.events).await?);
        for (case, row) in Case::ALL.into_iter().zip(&mut rows) {
            let taken = stand.run(case, &folder, options.events).await;
            row.add(&taken.context(case.binary())?);
        }
        hash = hash.min(first_hash().await?);
    }
    println!(
        "| | binary MB | first answer CPU ms | times hello | RSS MiB | page faults | warm CPU ms |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|");
    for row in std::iter::once(&hello).chain(&rows) {
        row.print(hello.first);
    }
    println!();
    println!("The first hash in new memory: {:.2} ms.", millis(hash));
    Ok(())
}

/// The CPU time of the first hash of a hasher, whose memory is new.
async fn first_hash() -> anyhow::Result<Duration> {
    let hasher = Argon2::new(System::env().random)?;
    let before = cpu::of("self")?;
    hasher.hash(&Password::presented(stand::PASSWORD)).await?;
    Ok(cpu::of("self")?.saturating_sub(before))
}
