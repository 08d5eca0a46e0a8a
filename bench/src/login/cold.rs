//! Whole processes over a small Runtime API: the function as it is deployed, and one that does nothing.

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use adapters::{argon2::Argon2, composition::Ports};
use anyhow::{Context as _, anyhow, bail, ensure};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use local::{
    dynamodb::Dynamo,
    template::{Model, Overrides, Template},
};
use serde_json::{Value, json};
use shared::{
    application::ports::{PasswordHasher as _, UserRepository as _},
    domain::{
        Origin, Password, Roles, User, UserId,
        error::Violation,
        user::{NewUser, Standing},
    },
};
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

    let model = Template::read(&root.join("template.yaml"))?.resolve(&Overrides::new())?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let dynamo = Dynamo::start(&model, None, listener).await?;
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
        .variables
        .clone();
    let deployment: adapters::composition::Deployment =
        shared::lambda::config::read(&|name| variables.get(name).cloned())?;
    let aws = Ports::at(&dynamo.url(), "Authenticate", deployment).await;
    let wrong = |violation: Violation| anyhow!("{}", violation.message);
    let metadata = aws.env.metadata(Origin::system("bench"))?;
    let random = &aws.env.random;
    let hasher = Argon2::new(random.clone())?;
    let new = NewUser {
        standing: Standing::Settled,
        id: UserId::new(metadata.now, random.bytes()?),
        email: EMAIL.parse().map_err(wrong)?,
        name: "Ann".parse().map_err(wrong)?,
        password: hasher.hash(&Password::presented(PASSWORD)).await?,
        roles: Roles::new(),
    };
    aws.users().commit(&User::create(new, &metadata)).await?;
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
    let (answers, mut answered) = mpsc::channel(1);
    let mut tasks = JoinSet::new();
    let api = runtime_api(event, answers);
    tasks.spawn(async move { axum::serve(listener, api).await });
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
        match tokio::time::timeout(PATIENCE, answered.recv()).await {
            Ok(Some(Ok(()))) => totals.push(cpu::of(&number)?),
            Ok(Some(Err(answer))) => bail!("{} answered {answer}", binary.display()),
            Ok(None) | Err(_) => bail!("{} does not answer", binary.display()),
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

type Answers = mpsc::Sender<Result<(), String>>;

struct Api {
    event: String,
    number: Mutex<u64>,
    answers: Answers,
}

/// The Runtime API, as far as a function that works needs it.
fn runtime_api(event: &Value, answers: Answers) -> Router {
    let api = Arc::new(Api {
        event: event.to_string(),
        number: Mutex::default(),
        answers,
    });
    let refused =
        post(async |State(api): State<Arc<Api>>, body: Bytes| api.answered(&body, true).await);
    let accepted =
        post(async |State(api): State<Arc<Api>>, body: Bytes| api.answered(&body, false).await);
    Router::new()
        .route(
            "/2018-06-01/runtime/invocation/next",
            get(async |State(api): State<Arc<Api>>| api.next()),
        )
        .route("/2018-06-01/runtime/invocation/{id}/response", accepted)
        .route("/2018-06-01/runtime/invocation/{id}/error", refused.clone())
        .route("/2018-06-01/runtime/init/error", refused)
        .with_state(api)
}

impl Api {
    fn next(&self) -> Response {
        let mut number = self.number.lock().unwrap_or_else(PoisonError::into_inner);
        *number += 1;
        let headers = [
            ("lambda-runtime-aws-request-id", number.to_string()),
            ("lambda-runtime-deadline-ms", "4102444800000".to_owned()),
            (
                "lambda-runtime-invoked-function-arn",
                "arn:aws:lambda:us-east-1:000000000000:function:bench".to_owned(),
            ),
        ];
        (headers, self.event.clone()).into_response()
    }

    async fn answered(&self, body: &Bytes, is_error: bool) -> StatusCode {
        let answer: Value = serde_json::from_slice(body).unwrap_or_default();
        let status = answer["statusCode"].as_u64().unwrap_or(200);
        let outcome = if is_error || status >= 400 {
            Err(answer.to_string())
        } else {
            Ok(())
        };
        match self.answers.send(outcome).await {
            Ok(()) => StatusCode::ACCEPTED,
            Err(_) => StatusCode::GONE,
        }
    }
}
