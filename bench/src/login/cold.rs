//! Whole processes over a small Runtime API: the function as it is deployed, and one that does nothing.

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, anyhow, bail, ensure};
use local::{
    dynamodb::Dynamo,
    lambda::runtime_api::{self, Call, Delivery},
    template::{Model, Template},
};
use serde_json::{Value, json};
use shared::domain::{Roles, error::Violation};
use tokio::{net::TcpListener, process::Command, sync::mpsc, task::JoinSet};

use super::service::PASSWORD;
use crate::{
    cpu,
    timing::{Timings, millis},
};

/// The event that a sign-in is, but for its body.
const EVENT: &str = include_str!("../../../events/authenticate.json");

const EMAIL: &str = "ann@example.com";

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The rows of the table.
pub(super) async fn measure(runs: usize) -> anyhow::Result<Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = build(&root).await?;
    let hello = run(&folder.join("hello"), &BTreeMap::new(), &json!({}), runs).await?;

    let model = Template::read(&root.join("template.yaml"))?.resolve(&cli::local::parameters())?;
    let dynamo = cli::serve_tables(&model, None).await?;
    let variables = prepare(&model, &dynamo).await?;
    let mut event: Value = serde_json::from_str(EVENT)?;
    event["body"] = json!(json!({"email": EMAIL, "password": PASSWORD}).to_string());
    let sign_in = run(&folder.join("authenticate"), &variables, &event, runs).await?;
    Ok(vec![
        hello.row("hello-world on lambda_runtime"),
        sign_in.row("authenticate, with the AWS SDK"),
    ])
}

/// Builds both processes as they are deployed, and gives their folder.
async fn build(root: &Path) -> anyhow::Result<PathBuf> {
    let cargo = Command::new(env!("CARGO"))
        .args([
            "build",
            "--quiet",
            "--profile=deploy",
            "--package=bench",
            "--package=authenticate",
            "--bin=hello",
            "--bin=authenticate",
        ])
        .current_dir(root)
        .status();
    ensure!(cargo.await?.success(), "cargo build failed");
    // The benchmark is in a folder of its own profile, beside that of `deploy`.
    let bench = std::env::current_exe()?;
    let target = bench.parent().and_then(Path::parent);
    Ok(target.context("no target folder")?.join("deploy"))
}

/// Makes the user who signs in, and gives the environment variables of the function.
async fn prepare(model: &Model, dynamo: &Dynamo) -> anyhow::Result<BTreeMap<String, String>> {
    let function = model.functions.get("Authenticate");
    let mut variables = function
        .context("there is no Authenticate")?
        .environment
        .variables
        .clone();
    let aws = cli::connect_tables(&dynamo.url(), model)?;
    let wrong = |violation: Violation| anyhow!("{}", violation.message);
    let (email, name) = (EMAIL.parse().map_err(wrong)?, "Ann".parse().map_err(wrong)?);
    cli::create_user(&aws, email, name, PASSWORD, Roles::new()).await?;
    // A later process finds the keys that the first one made.
    aws.access_tokens().warm_up_to_sign().await?;
    for (name, value) in [
        ("AWS_ENDPOINT_URL_DYNAMODB", dynamo.url().as_str()),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "Authenticate"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
    ] {
        variables.insert(name.to_owned(), value.to_owned());
    }
    Ok(variables)
}

/// What a process took.
struct Taken {
    first: Duration,
    others: Timings,
}

impl Taken {
    fn row(&self, name: &str) -> String {
        let (first, p50) = (millis(self.first), self.others.percentile(50));
        format!("| {name} | {first:.2} | {p50:.2} |")
    }
}

/// Starts a process and gives it the same event again and again.
async fn run(
    binary: &Path,
    variables: &BTreeMap<String, String>,
    event: &Value,
    runs: usize,
) -> anyhow::Result<Taken> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?.to_string();
    let (sender, mut calls) = mpsc::channel(1);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, runtime_api::router(sender)).await });
    let mut process = Command::new(binary)
        .env_clear()
        .envs(variables)
        .env("AWS_LAMBDA_RUNTIME_API", &address)
        .env("AWS_LAMBDA_FUNCTION_NAME", "bench")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769")
        .env("AWS_LAMBDA_LOG_LEVEL", "ERROR")
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| binary.display().to_string())?;
    let number = process.id().context("the process ended")?.to_string();
    let mut totals = Vec::new();
    while totals.len() <= runs {
        let call = tokio::time::timeout(PATIENCE, calls.recv()).await;
        match call.ok().flatten() {
            Some(Call::Next(next)) => {
                let delivery = Delivery {
                    request_id: totals.len().to_string(),
                    arn: "arn:aws:lambda:us-east-1:000000000000:function:bench".to_owned(),
                    timeout: PATIENCE,
                    payload: event.to_string().into(),
                };
                ensure!(next.send(delivery).is_ok(), "the process went away");
            }
            Some(Call::Done(Ok(answer))) if is_success(&answer) => totals.push(cpu::of(&number)?),
            other => bail!("{}: {other:?}", binary.display()),
        }
    }
    process.kill().await?;
    let mut others = Timings::default();
    for pair in totals.windows(2) {
        if let [before, after] = pair {
            others.add(after.saturating_sub(*before));
        }
    }
    let first = totals.first().copied().unwrap_or_default();
    Ok(Taken { first, others })
}

fn is_success(answer: &Value) -> bool {
    answer["statusCode"]
        .as_u64()
        .is_some_and(|status| status < 400)
}
