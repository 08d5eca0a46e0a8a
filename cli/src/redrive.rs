//! `redrive`: dead letters go to their observer again.

use std::{ffi::OsString, process::Command};

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::Value;

/// Hands what waits in the dead-letter queue of an observer to that observer again
#[derive(Debug, Args)]
pub struct Redrive {
    /// The observer, such as `OnUserCreated`, or its queue, `OnUserCreatedFailures`
    #[arg(value_name = "QUEUE")]
    pub queue: String,
    /// Console of the local stack
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://localhost:3001",
        conflicts_with = "aws"
    )]
    pub console: String,
    /// On AWS, by the AWS CLI, which must be installed, with its credentials and region
    #[arg(long)]
    pub aws: bool,
    /// Name of the stack on AWS
    #[arg(long, value_name = "NAME", default_value = "roster", requires = "aws")]
    pub stack: String,
}

/// What the queue of an observer is called after the observer.
const FAILURES: &str = "Failures";

/// Seconds for which a message is hidden: longer than any function runs.
const HIDDEN: &str = "900";

impl Redrive {
    /// Empties the queue as far as the observer takes what is in it.
    ///
    /// # Errors
    /// If there is no such queue, it holds no events, or the observer fails again.
    pub async fn run(self) -> anyhow::Result<String> {
        let observer = self.queue.strip_suffix(FAILURES).unwrap_or(&self.queue);
        let queue = format!("{observer}{FAILURES}");
        let (observed, failed) = if self.aws {
            Aws::new("aws", &self.stack).redrive(observer, &queue)?
        } else {
            self.local(&queue).await?
        };
        if failed > 0 {
            bail!(
                "{observer} observed {observed}, and failed at {failed}, which stay in {queue}: its log says why"
            );
        }
        Ok(format!("{observer} observed {observed}; {queue} is empty"))
    }

    async fn local(&self, queue: &str) -> anyhow::Result<(u64, u64)> {
        let url = format!("{}/api/queues/{queue}/redrive", self.console);
        let problem = || format!("{} does not answer", self.console);
        let answer = reqwest::Client::new().post(url).send().await;
        let answer = answer.with_context(problem)?;
        let is_success = answer.status().is_success();
        let body: Value = answer.json().await.with_context(problem)?;
        if !is_success {
            bail!("{}", body["message"].as_str().unwrap_or("no such queue"));
        }
        let count = |name: &str| body[name].as_u64().unwrap_or_default();
        Ok((count("observed"), count("failed")))
    }
}

/// A deployment, as the AWS CLI reaches it.
pub(crate) struct Aws<'a> {
    /// The AWS CLI.
    program: OsString,
    stack: &'a str,
}

impl<'a> Aws<'a> {
    pub(crate) fn new(program: impl Into<OsString>, stack: &'a str) -> Self {
        Self {
            program: program.into(),
            stack,
        }
    }

    /// How many messages the observer took, and how many it did not.
    pub(crate) fn redrive(&self, observer: &str, queue: &str) -> anyhow::Result<(u64, u64)> {
        let function = self.resource(observer)?;
        let queue = self.resource(queue)?;
        let answer = tempfile()?;
        let (mut observed, mut failed) = (0, 0);
        loop {
            let received = self.call(&[
                "sqs",
                "receive-message",
                "--queue-url",
                &queue,
                "--max-number-of-messages",
                "10",
                "--wait-time-seconds",
                "2",
                "--visibility-timeout",
                HIDDEN,
            ])?;
            let messages = received["Messages"].as_array().cloned().unwrap_or_default();
            if messages.is_empty() {
                break;
            }
            for message in messages {
                let event = event_of(message["Body"].as_str().unwrap_or_default())?;
                let invoked = self.call(&[
                    "lambda",
                    "invoke",
                    "--function-name",
                    &function,
                    "--cli-binary-format",
                    "raw-in-base64-out",
                    "--payload",
                    &event.to_string(),
                    &answer,
                ])?;
                if invoked["FunctionError"].is_string() {
                    failed += 1;
                    continue;
                }
                let receipt = message["ReceiptHandle"].as_str().unwrap_or_default();
                self.call(&[
                    "sqs",
                    "delete-message",
                    "--queue-url",
                    &queue,
                    "--receipt-handle",
                    receipt,
                ])?;
                observed += 1;
            }
        }
        Ok((observed, failed))
    }

    /// The physical id of a resource of the stack.
    fn resource(&self, id: &str) -> anyhow::Result<String> {
        let found = self.call(&[
            "cloudformation",
            "describe-stack-resource",
            "--stack-name",
            self.stack,
            "--logical-resource-id",
            id,
        ])?;
        let id = found["StackResourceDetail"]["PhysicalResourceId"].as_str();
        Ok(id.context("CloudFormation names no id")?.to_owned())
    }

    fn call(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        let mut command = Command::new(&self.program);
        command.args(arguments).args(["--output", "json"]);
        let output = command.output().context("cannot run the AWS CLI")?;
        if !output.status.success() {
            let problem = String::from_utf8_lossy(&output.stderr);
            bail!("aws {} {}: {}", arguments[0], arguments[1], problem.trim());
        }
        if output.stdout.iter().all(u8::is_ascii_whitespace) {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&output.stdout).context("the AWS CLI answers no JSON")
    }
}

/// A file for the answers of functions, which say nothing.
fn tempfile() -> anyhow::Result<String> {
    let path = std::env::temp_dir().join(format!("roster-redrive-{}", std::process::id()));
    let path = path.to_str().context("the temporary folder has no name")?;
    Ok(path.to_owned())
}

/// The event in a dead letter. A failed invocation has it in `requestPayload`; a rule that could not hand it
/// over puts it there itself.
///
/// # Errors
/// If it is neither, but a position in a stream.
pub(crate) fn event_of(body: &str) -> anyhow::Result<Value> {
    let mut letter: Value = serde_json::from_str(body).context("a message is no JSON")?;
    if let Some(event) = letter.get_mut("requestPayload") {
        return Ok(event.take());
    }
    if letter["detail-type"].is_string() {
        return Ok(letter);
    }
    bail!(
        "the queue holds positions in a stream, not events: `roster replay` publishes those events again"
    )
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

    use serde_json::json;

    use super::*;

    /// An AWS CLI which notes its calls. The queue gives `messages` once; the function fails at what says so.
    fn fake(name: &str, messages: &Value) -> std::io::Result<(PathBuf, PathBuf)> {
        let folder = std::env::temp_dir().join(format!("roster-{name}-{}", std::process::id()));
        let _perhaps_there = fs::remove_dir_all(&folder);
        fs::create_dir(&folder)?;
        let (program, calls) = (folder.join("aws"), folder.join("calls"));
        fs::write(
            folder.join("messages"),
            json!({"Messages": messages}).to_string(),
        )?;
        let script = r#"#!/bin/sh
cd "$(dirname "$0")"
echo "$@" >> calls
case "$1 $2" in
    "cloudformation describe-stack-resource") echo '{"StackResourceDetail": {"PhysicalResourceId": "physical-'"$6"'"}}' ;;
    "sqs receive-message") if [ -e messages ]; then cat messages; rm messages; fi ;;
    "lambda invoke") case "$*" in *broken*) echo '{"FunctionError": "Unhandled"}' ;; *) echo '{"StatusCode": 200}' ;; esac ;;
esac
"#;
        fs::write(&program, script)?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
        Ok((program, calls))
    }

    #[test]
    fn on_aws_only_what_was_observed_leaves_the_queue() {
        let by_rule = json!({"id": "1", "detail-type": "UserCreated"}).to_string();
        let by_function = json!({"requestPayload": {"id": "2"}}).to_string();
        let broken = json!({"requestPayload": {"id": "broken"}}).to_string();
        let messages = [by_rule, by_function, broken];
        let messages = messages.iter().zip(["a", "b", "c"]);
        let messages =
            messages.map(|(body, receipt)| json!({"Body": body, "ReceiptHandle": receipt}));
        let (program, calls) = fake("redrive", &messages.collect()).unwrap();
        let aws = Aws::new(program, "roster");
        let outcome = aws.redrive("OnUserCreated", "OnUserCreatedFailures");
        assert_eq!(outcome.unwrap(), (2, 1));
        let calls = fs::read_to_string(calls).unwrap();
        assert!(calls.contains(r#"physical-OnUserCreated --cli-binary-format raw-in-base64-out --payload {"id":"2"}"#), "{calls}");
        for (receipt, is_deleted) in [("a", true), ("b", true), ("c", false)] {
            let delete = format!("physical-OnUserCreatedFailures --receipt-handle {receipt}");
            assert_eq!(calls.contains(&delete), is_deleted, "{receipt}: {calls}");
        }
    }

    #[test]
    fn a_position_in_a_stream_is_no_event() {
        let position = json!({"DDBStreamBatchInfo": {}}).to_string();
        let error = event_of(&position).unwrap_err().to_string();
        assert!(error.contains("replay"), "{error}");
    }
}
