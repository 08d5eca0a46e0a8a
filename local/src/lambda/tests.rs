//! Environments with real processes: `examples/probe.rs` is the function.

use std::path::PathBuf;

use serde_json::json;

use super::*;
use crate::{
    journal::Happening,
    template::{Overrides, Template},
};

/// The example that cargo builds along with the tests: in the folder of this binary's profile, unless
/// cargo's `build.build-dir` keeps test binaries elsewhere.
pub(crate) fn probe() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(|deps| deps.parent()).unwrap();
    let beside = profile.join("examples").join("probe");
    if beside.exists() {
        return beside;
    }
    let metadata = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version=1"])
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let target = PathBuf::from(metadata["target_directory"].as_str().unwrap());
    let profile = target.join(profile.file_name().unwrap());
    let probe = profile.join("examples").join("probe");
    assert!(
        probe.exists(),
        "{} is missing: run the tests with `cargo test`, which builds examples too",
        probe.display()
    );
    probe
}

struct Bench {
    lambda: Lambda,
    journal: Journal,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.lambda.stop();
    }
}

/// A function `Probe` with these properties.
pub(crate) fn model(properties: &str) -> Model {
    let template = format!(
        "
Transform: AWS::Serverless-2016-10-31
Resources:
  Failures: {{Type: AWS::SQS::Queue}}
  Probe:
    Type: AWS::Serverless::Function
    Metadata: {{BuildMethod: rust-cargolambda, BuildProperties: {{Binary: probe}}}}
    Properties: {{Runtime: provided.al2023, {properties}}}
"
    );
    Template::parse(&template)
        .and_then(|template| template.resolve(&Overrides::new()))
        .unwrap()
}

/// That function, with settings changed by `adjust`.
fn bench(properties: &str, adjust: impl FnOnce(&mut Settings)) -> Bench {
    let model = model(properties);
    let mut settings = Settings {
        executables: BTreeMap::from([("Probe".to_owned(), probe())]),
        services: BTreeMap::from([("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), "there".to_owned())]),
        max_environments: 2,
        max_waiting: 100,
        idle_after: Duration::from_mins(10),
        async_retry_delay: Duration::from_millis(1),
        echo: false,
    };
    adjust(&mut settings);
    let journal = Journal::default();
    Bench {
        lambda: Lambda::new(&model, settings, &journal),
        journal,
    }
}

impl Bench {
    async fn call(&self, payload: Value) -> Result<Value, InvokeError> {
        self.lambda.call("Probe", payload).await
    }

    /// The invocations so far: whether cold, and the error.
    fn invocations(&self) -> Vec<(bool, Option<String>)> {
        self.journal
            .since(0)
            .iter()
            .filter_map(|entry| match &entry.happening {
                Happening::Invocation { cold, error, .. } => Some((*cold, error.clone())),
                _ => None,
            })
            .collect()
    }

    #[cfg(unix)]
    fn kill(&self) {
        for process in self.lambda.processes("Probe") {
            let kill = std::process::Command::new("kill")
                .args(["-KILL", &process.to_string()])
                .status();
            assert!(kill.unwrap().success());
        }
    }

    /// Waits for the line with which a hanging probe says that it has its event.
    async fn hanging(&self) {
        self.journal
            .wait_for(0, |entry| match &entry.happening {
                Happening::Log { line, .. } if line == "hanging" => Some(()),
                _ => None,
            })
            .await;
    }
}

#[tokio::test]
async fn an_environment_answers_one_event_after_the_other() {
    let bench = bench("Timeout: 10", |_| {});
    let first = bench.call(json!({ "n": 1 })).await.unwrap();
    let second = bench.call(json!({ "n": 2 })).await.unwrap();
    assert_eq!(first["echo"], json!({ "n": 1 }));
    assert_eq!(
        first["arn"],
        "arn:aws:lambda:us-east-1:000000000000:function:Probe"
    );
    assert_eq!(first["pid"], second["pid"]);
    assert_ne!(first["requestId"], second["requestId"]);
    assert_eq!(bench.invocations(), [(true, None), (false, None)]);
    let pids: Vec<_> = bench
        .lambda
        .processes("Probe")
        .into_iter()
        .map(Value::from)
        .collect();
    assert_eq!(pids, [first["pid"].clone()]);
}

#[tokio::test]
async fn a_process_sees_what_the_template_and_lambda_give_and_nothing_else() {
    let bench = bench(
        "MemorySize: 512, Environment: {Variables: {OWN: value}},
         LoggingConfig: {LogFormat: JSON, ApplicationLogLevel: DEBUG, LogGroup: Logs}",
        |_| {},
    );
    let seen = bench.call(json!({ "do": "environment" })).await.unwrap();
    for (name, value) in [
        ("OWN", "value"),
        ("AWS_LAMBDA_FUNCTION_NAME", "Probe"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
        ("AWS_LAMBDA_LOG_LEVEL", "DEBUG"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "Logs"),
        ("AWS_ACCESS_KEY_ID", "Probe"),
        ("AWS_ENDPOINT_URL_DYNAMODB", "there"),
    ] {
        assert_eq!(seen[name], value, "{name}");
    }
    assert_eq!(seen.get("HOME"), None);
    assert_eq!(seen.get("CARGO_MANIFEST_DIR"), None);
}

#[tokio::test]
async fn a_failure_is_the_runtimes_document_and_the_process_lives_on() {
    let bench = bench("Timeout: 10", |_| {});
    let Err(InvokeError::Function(document)) = bench.call(json!({ "do": "fail" })).await else {
        panic!("must fail");
    };
    assert_eq!(document["errorMessage"], "as asked");
    let before = bench.lambda.processes("Probe");
    bench.call(json!({})).await.unwrap();
    assert_eq!(bench.lambda.processes("Probe"), before);
}

#[tokio::test]
async fn a_process_that_ends_fails_its_event_and_the_next_gets_a_new_one() {
    let bench = bench("Timeout: 10", |_| {});
    let Err(InvokeError::Exited(status)) = bench.call(json!({ "do": "exit" })).await else {
        panic!("must fail");
    };
    assert_eq!(status, "exit status: 3");
    bench.call(json!({})).await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_process_that_is_killed_fails_its_event_and_is_replaced() {
    let bench = bench("Timeout: 60", |_| {});
    let kill = async {
        bench.hanging().await;
        bench.kill();
    };
    let (result, ()) = futures::join!(bench.call(json!({ "do": "hang" })), kill);
    let Err(InvokeError::Exited(status)) = result else {
        panic!("must fail");
    };
    assert_eq!(status, "signal: 9 (SIGKILL)");
    bench.call(json!({})).await.unwrap();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_process_that_ends_between_two_events_is_replaced_unnoticed() {
    let bench = bench("Timeout: 10", |_| {});
    bench.call(json!({})).await.unwrap();
    let process = bench.lambda.processes("Probe")[0];
    bench.kill();
    // A zombie: it has ended, and its parent has not noticed.
    let stat = || std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    while !stat().contains(") Z ") {
        tokio::task::yield_now().await;
    }
    bench.call(json!({})).await.unwrap();
    assert_eq!(bench.invocations(), [(true, None), (true, None)]);
}

#[tokio::test]
async fn an_event_that_takes_too_long_costs_the_process_its_life() {
    let bench = bench("Timeout: 1", |_| {});
    bench.call(json!({})).await.unwrap();
    let before = bench.lambda.processes("Probe");
    let error = bench.call(json!({ "do": "hang" })).await.unwrap_err();
    assert!(
        matches!(error, InvokeError::TimedOut(after) if after.as_secs() == 1),
        "{error}"
    );
    bench.call(json!({})).await.unwrap();
    assert_ne!(bench.lambda.processes("Probe"), before);
}

#[tokio::test]
async fn a_function_that_cannot_start_fails_its_event_with_the_reason() {
    let refusing = bench(
        "Environment: {Variables: {PROBE_REFUSES_TO_START: yes}}",
        |_| {},
    );
    let error = refusing.call(json!({})).await.unwrap_err();
    assert!(matches!(error, InvokeError::Exited(_)), "{error}");

    let missing = bench("Timeout: 1", |settings| settings.executables.clear());
    let error = missing.call(json!({})).await.unwrap_err();
    assert!(error.to_string().contains("cannot start"), "{error}");
}

#[tokio::test]
async fn load_starts_more_environments_up_to_the_limit() {
    let bench = bench("Timeout: 10", |_| {});
    let runs = (0..6).map(|_| bench.call(json!({ "do": "wait", "millis": 20 })));
    let pids: std::collections::BTreeSet<_> = futures::future::join_all(runs)
        .await
        .into_iter()
        .map(|pid| pid.unwrap().as_u64())
        .collect();
    assert!(pids.len() <= 2, "{pids:?}");
    assert_eq!(bench.lambda.processes("Probe").len(), 2);
}

#[tokio::test]
async fn what_does_not_fit_into_the_queue_is_throttled() {
    let bench = bench("Timeout: 60", |settings| {
        settings.max_environments = 1;
        settings.max_waiting = 1;
    });
    let hanging = bench.call(json!({ "do": "hang" }));
    let others = async {
        bench.hanging().await;
        let waiting = bench.call(json!({}));
        let refused = async {
            let error = bench.call(json!({})).await.unwrap_err();
            assert!(matches!(error, InvokeError::Throttled), "{error}");
            bench.lambda.stop();
        };
        // `join` polls in order: the first takes the one place in the queue.
        futures::join!(waiting, refused).0
    };
    let (hanging, waiting) = futures::join!(hanging, others);
    assert!(matches!(hanging, Err(InvokeError::Stopping)));
    assert!(matches!(waiting, Err(InvokeError::Stopping)));
    bench.lambda.stopped().await;
    assert!(bench.lambda.processes("Probe").is_empty());
}

#[tokio::test]
async fn an_idle_environment_is_ended() {
    let bench = bench("Timeout: 10", |settings| {
        settings.idle_after = Duration::ZERO;
    });
    bench.call(json!({})).await.unwrap();
    bench.lambda.stopped().await;
    assert!(bench.lambda.processes("Probe").is_empty());
    bench.call(json!({})).await.unwrap();
}

#[tokio::test]
async fn an_asynchronous_event_is_tried_again_and_then_kept() {
    let bench = bench(
        "EventInvokeConfig: {MaximumRetryAttempts: 1,
         DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt Failures.Arn}}}",
        |_| {},
    );
    bench.lambda.send("Probe", json!({ "do": "fail" }));
    bench.lambda.settled().await;
    assert_eq!(bench.invocations().len(), 2);
    let letters = bench.journal.since(0);
    let letter = letters.iter().find_map(|entry| match &entry.happening {
        Happening::DeadLetter { message, .. } => Some(message),
        _ => None,
    });
    assert_eq!(
        letter.unwrap()["responsePayload"]["errorMessage"],
        "as asked"
    );
}
