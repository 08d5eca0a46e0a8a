//! One process over a small Runtime API: from its start to its first answer, and on.

use std::{
    collections::BTreeMap,
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use local::lambda::runtime_api::{self, Call, Delivery};
use serde_json::Value;
use tokio::{net::TcpListener, process::Command, sync::mpsc, task::JoinSet};

use crate::{cpu, timing::Timings};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a process took.
pub(crate) struct Taken {
    /// CPU time from its start to the first answer, all of init included.
    pub(crate) first: Duration,
    /// CPU time of each answer after it.
    pub(crate) others: Timings,
    /// Memory it held after the first answer.
    pub(crate) resident_kib: u64,
    /// Pages that it touched until then, each a fault.
    pub(crate) faults: u64,
    pub(crate) answer: Value,
}

/// Builds the program `hello` and these functions in the profile `deploy`, and gives their folder.
pub(crate) async fn build(functions: &[&str]) -> anyhow::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let bins = functions.iter().map(|name| format!("--bin={name}"));
    // The whole workspace, of which the benchmark is a part: features may be more than those of `sam build`.
    let cargo = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--workspace", "--profile=deploy"])
        .arg("--bin=hello")
        .args(bins)
        .current_dir(root)
        .status();
    ensure!(cargo.await?.success(), "cargo build failed");
    // The benchmark is in a folder of its own profile, beside that of `deploy`.
    let bench = std::env::current_exe()?;
    let target = bench.parent().and_then(Path::parent);
    Ok(target.context("no target folder")?.join("deploy"))
}

/// Starts a process and gives it `1 + more` events.
pub(crate) async fn run(
    mut command: Command,
    variables: &BTreeMap<String, String>,
    event: impl Fn() -> Value,
    more: usize,
) -> anyhow::Result<Taken> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?.to_string();
    let (sender, mut calls) = mpsc::channel(1);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, runtime_api::router(sender)).await });
    let mut process = command
        .env_clear()
        .envs(variables)
        .env("AWS_LAMBDA_RUNTIME_API", &address)
        .env("AWS_LAMBDA_FUNCTION_NAME", "bench")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769")
        .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
        .env("AWS_LAMBDA_LOG_LEVEL", "ERROR")
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let number = process.id().context("the process ended")?.to_string();
    let mut totals = Vec::new();
    let (mut memory, mut answer) = ((0, 0), Value::Null);
    while totals.len() <= more {
        let call = tokio::time::timeout(PATIENCE, calls.recv()).await;
        match call.ok().flatten() {
            Some(Call::Next(next)) => {
                let delivery = Delivery {
                    request_id: totals.len().to_string(),
                    arn: "arn:aws:lambda:us-east-1:000000000000:function:bench".to_owned(),
                    timeout: PATIENCE,
                    payload: event().to_string().into(),
                };
                ensure!(next.send(delivery).is_ok(), "the process went away");
            }
            Some(Call::Done(Ok(done))) if is_success(&done) => {
                totals.push(cpu::of(&number)?);
                if totals.len() == 1 {
                    (memory, answer) = (memory_of(&number)?, done);
                }
            }
            other => bail!("{other:?}"),
        }
    }
    // A tool around it may write what it has found.
    Command::new("kill").arg(&number).status().await?;
    process.wait().await?;
    let mut others = Timings::default();
    for pair in totals.windows(2) {
        if let [before, after] = pair {
            others.add(after.saturating_sub(*before));
        }
    }
    let (resident_kib, faults) = memory;
    let first = totals.first().copied().unwrap_or_default();
    Ok(Taken {
        first,
        others,
        resident_kib,
        faults,
        answer,
    })
}

/// Of HTTP, or of a batch of which nothing failed.
fn is_success(answer: &Value) -> bool {
    let failures = answer["batchItemFailures"].as_array();
    let status = answer["statusCode"].as_u64();
    failures.is_some_and(Vec::is_empty) || status.is_some_and(|status| status < 400)
}

/// Resident memory in KiB, and page faults.
fn memory_of(process: &str) -> anyhow::Result<(u64, u64)> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let resident = resident.and_then(|line| line.trim().split(' ').next());
    // The tenth field, counted from after the name, which may hold spaces.
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let faults = stat
        .rsplit(") ")
        .next()
        .and_then(|rest| rest.split(' ').nth(7));
    Ok((
        resident.context("VmRSS")?.parse()?,
        faults.context("stat")?.parse()?,
    ))
}
