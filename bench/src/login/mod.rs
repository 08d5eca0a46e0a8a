//! Sign-in: what the function costs beside the hash, beside the fastest hash there is, and whether
//! its time tells who has an account. `bench cold` measures its start.

mod hashes;
mod oracle;
mod service;

use clap::Args;

/// What to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// Runs of each hash and of each sign-in
    #[arg(long, value_name = "N", default_value_t = 60)]
    runs: usize,
    /// Sign-ins of each kind when looking for differences of time
    #[arg(long, value_name = "N", default_value_t = 600)]
    samples: usize,
}

/// Measures and prints.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let bare = hashes::measure(options.runs)?;
    println!("| argon2id, 19 MiB, two passes, one lane | first ms | p50 ms | to the fastest |");
    println!("|---|--:|--:|--:|");
    let fastest = hashes::fastest(&bare);
    for hash in &bare {
        println!("{}", hash.row(fastest));
    }
    println!();
    println!("| sign-in, warm, in process | first ms | p50 ms | to the fastest hash |");
    println!("|---|--:|--:|--:|");
    for row in Box::pin(service::measure(options.runs, fastest)).await? {
        println!("{row}");
    }
    println!();
    println!("| compared with a wrong password | p50 ms | median difference ms | 95 % between |");
    println!("|---|--:|--:|--:|");
    for row in oracle::measure(options.samples).await? {
        println!("{row}");
    }
    Ok(())
}
