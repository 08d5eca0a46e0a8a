//! Benchmarks, one command each: `cargo run --release -p bench -- directory`.

#![expect(clippy::print_stdout, reason = "its output is its purpose")]

mod directory;
mod timing;

use clap::Parser;

/// Measures Roster and prints a table.
#[derive(Parser)]
#[command(version)]
enum Bench {
    /// Questions to the directory, from a thousand users to a million.
    Directory(directory::Options),
}

fn main() -> anyhow::Result<()> {
    match Bench::parse() {
        Bench::Directory(options) => directory::run(&options),
    }
}
