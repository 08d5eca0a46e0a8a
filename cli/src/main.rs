//! `roster`: the command line of operators and developers.
//!
//! Exit codes: 0 done, 1 failed (one line on standard error says why), 2 wrong arguments.

#![expect(
    clippy::print_stdout,
    reason = "what a command is asked for goes to standard output"
)]

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use cli::{
    Export, FirstAdmin, Generate, Import, Local, Redrive, Replay, Seed, Token,
    local::{LocalCommand, Start},
};
use tracing_subscriber::EnvFilter;

/// Roster's tools for operators and developers.
#[derive(Debug, Parser)]
#[command(name = "roster", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Local(Box<Local>),
    Import(Import),
    Export(Export),
    Seed(Seed),
    Token(Token),
    FirstAdmin(FirstAdmin),
    Generate(Generate),
    Redrive(Redrive),
    Replay(Replay),
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,dynoxide=error"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .init();
    let outcome = match Cli::parse().command {
        Command::Local(local) => match local.command {
            None => run(local.start).await,
            Some(LocalCommand::Env(env)) => env.run().await.and_then(tell),
            Some(LocalCommand::Invoke(invoke)) => Box::pin(invoke.run()).await.and_then(tell),
        },
        Command::Import(import) => import.run().await.and_then(tell),
        Command::Export(export) => export.run().await.and_then(tell),
        Command::Seed(seed) => seed.run().await.and_then(tell),
        Command::Token(token) => Box::pin(token.run()).await.and_then(tell),
        Command::FirstAdmin(invite) => invite.run().await.and_then(tell),
        Command::Generate(generate) => generate.run().and_then(tell),
        Command::Redrive(redrive) => redrive.run().await.and_then(tell),
        Command::Replay(replay) => Box::pin(replay.run()).await.and_then(tell),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The alternate form puts the whole chain of causes into one line.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the end of a chain")]
fn tell(outcome: String) -> anyhow::Result<()> {
    writeln!(io::stdout(), "{outcome}").context("cannot write to standard output")
}

/// Runs the stack until a signal ends it.
async fn run(start: Start) -> anyhow::Result<()> {
    let has_functions = !start.services_only;
    let ended = ended()?;
    tokio::pin!(ended);
    let started = tokio::select! {
        started = start.run() => started?,
        () = &mut ended => return Ok(()),
    };
    match started.admin {
        (email, Some(password)) => println!("admin  {email}  password {password}"),
        (email, None) => println!("admin  {email}  as before"),
    }
    let stack = started.stack;
    println!(
        "ready  api {}{}  console {}  dynamodb {}",
        stack.api_url,
        if has_functions { "" } else { " (not here)" },
        stack.console_url,
        stack.dynamodb_url
    );
    ended.await;
    stack.stop().await;
    Ok(())
}

/// Ends with Ctrl-C, when the terminal is closed, or when another process asks this one to end.
#[cfg(unix)]
fn ended() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let listen = |kind| signal(kind).context("cannot listen for signals");
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut hangup = listen(SignalKind::hangup())?;
    let mut terminate = listen(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Ends with Ctrl-C.
#[cfg(not(unix))]
fn ended() -> anyhow::Result<impl Future<Output = ()>> {
    Ok(async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(%error, "cannot listen for Ctrl-C");
        }
    })
}
