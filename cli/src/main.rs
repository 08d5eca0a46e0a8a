//! `cargo local`: runs what template.yaml says on this machine.

#![expect(
    clippy::print_stdout,
    reason = "what a command is asked for goes to standard output"
)]

use std::{io, path::PathBuf, process::ExitCode};

#[cfg(unix)]
use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use local::{
    commands::{self, Export, Import, Seed},
    compile::Build,
    stack::{Admin, Functions, Options, Running, Stack},
};
use tracing_subscriber::EnvFilter;
use uuid::Uuid;

/// Runs the whole of template.yaml on this machine.
#[derive(Debug, Parser)]
#[command(name = "cargo local", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: Run,
}

/// What to do instead.
#[derive(Debug, Subcommand)]
enum Command {
    Import(Import),
    Export(Export),
    Seed(Seed),
}

/// How to run the stack.
#[derive(Debug, Args)]
struct Run {
    /// Template to run; its folder is the workspace with the functions
    #[arg(long, value_name = "FILE", default_value = "template.yaml")]
    template: PathBuf,
    /// Port of the HTTP API, 0 for any free one
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Port of the console, 0 for any free one
    #[arg(long, default_value_t = 3001)]
    console_port: u16,
    /// Port of DynamoDB, 0 for any free one
    #[arg(long, default_value_t = 8000)]
    dynamodb_port: u16,
    /// Folder that keeps the tables; without it they live in memory
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// E-mail address of the first administrator
    #[arg(long, value_name = "ADDRESS", default_value = "admin@example.com")]
    admin_email: String,
    /// Password of the first administrator; made and shown if not given
    #[arg(long, value_name = "PASSWORD")]
    admin_password: Option<String>,
    /// Value for a parameter of the template; may be given several times
    #[arg(long = "parameter", value_name = "KEY=VALUE", value_parser = key_value)]
    parameters: Vec<(String, String)>,
    /// Most environments of one function at a time
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = positive)]
    max_environments: usize,
    /// Build the functions with the release profile
    #[arg(long)]
    release: bool,
}

fn key_value(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("must be KEY=VALUE"),
    }
}

fn positive(text: &str) -> Result<usize, &'static str> {
    match text.parse() {
        Ok(0) | Err(_) => Err("must be a number from 1"),
        Ok(count) => Ok(count),
    }
}

impl Run {
    fn options(self) -> Options {
        let password = self
            .admin_password
            .unwrap_or_else(|| Uuid::new_v4().to_string());
        Options {
            template: self.template,
            port: self.port,
            console_port: self.console_port,
            dynamodb_port: self.dynamodb_port,
            data: self.data,
            parameters: self.parameters.into_iter().collect(),
            admin: Some(Admin {
                email: self.admin_email,
                password,
            }),
            max_environments: self.max_environments,
            functions: Functions::Build(Build {
                // An emulator built with optimisation is asked for speed.
                release: self.release || !cfg!(debug_assertions),
                with_tests: false,
            }),
            echo: true,
            ..Options::default()
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,dynoxide=error"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .init();
    let cli = Cli::parse();
    let outcome = match cli.command {
        None => run(cli.run.options()).await,
        Some(Command::Import(import)) => import.run().await.map(tell),
        Some(Command::Export(export)) => export.run().await.map(tell),
        Some(Command::Seed(seed)) => seed.run().await.map(tell),
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
fn tell(outcome: String) {
    println!("{outcome}");
}

/// Runs the stack until a signal ends it.
async fn run(options: Options) -> anyhow::Result<()> {
    let ended = ended()?;
    tokio::pin!(ended);
    let running = tokio::select! {
        running = start(options) => running?,
        () = &mut ended => return Ok(()),
    };
    println!(
        "ready  api {}  console {}  dynamodb {}",
        running.api_url, running.console_url, running.dynamodb_url
    );
    ended.await;
    running.stop().await;
    Ok(())
}

async fn start(options: Options) -> anyhow::Result<Running> {
    let admin = options.admin.clone();
    let running = Stack::start(options).await?;
    if let Some(admin) = admin {
        if commands::first_administrator(&running, &admin).await? {
            println!("admin  {}  password {}", admin.email, admin.password);
        } else {
            println!("admin  {}  as before", admin.email);
        }
    }
    running.ready().await?;
    Ok(running)
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
