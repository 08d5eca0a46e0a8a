//! Benchmarks, one command each: `cargo run --release -p bench -- directory`.

#![expect(clippy::print_stdout, reason = "its output is its purpose")]

mod cold;
mod cpu;
mod directory;
mod load;
mod login;
mod sign_up;
mod soak;
mod stack;
mod timing;

use std::process::ExitCode;

use clap::Parser;

/// Measures Roster and prints tables
#[derive(Parser)]
#[command(version)]
enum Bench {
    /// Cold starts of deployed binaries, beside a function that does nothing
    Cold(cold::Options),
    /// The directory, from a thousand users to a million, beside `SQLite`
    Directory(directory::Options),
    /// What one stack takes, and what it does beyond that
    Load(load::Options),
    /// Sign-in, beside the fastest hash and the least function
    Login(login::Options),
    /// Sign-up, beside the costliest refused one
    SignUp(sign_up::Options),
    /// Everything, while processes are killed at random: nothing is lost, nothing doubled
    Soak(soak::Options),
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    match Bench::parse() {
        Bench::Cold(options) => Box::pin(cold::run(&options)).await?,
        Bench::Directory(options) => Box::pin(directory::run(&options)).await?,
        Bench::Load(options) => Box::pin(load::run(&options)).await?,
        Bench::Login(options) => Box::pin(login::run(&options)).await?,
        Bench::SignUp(options) => sign_up::run(&options).await?,
        Bench::Soak(options) => return Box::pin(soak::run(&options)).await,
    }
    Ok(ExitCode::SUCCESS)
}
