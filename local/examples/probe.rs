//! A function for the tests of the runtime: does as its event says.

use std::time::Duration;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    if std::env::var_os("PROBE_REFUSES_TO_START").is_some() {
        return Err("the probe refuses to start".into());
    }
    lambda_runtime::run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let (payload, context) = event.into_parts();
    match payload["do"].as_str() {
        Some("fail") => Err("as asked".into()),
        Some("exit") => std::process::exit(3),
        Some("hang") => {
            eprintln!("hanging");
            std::future::pending::<()>().await;
            Ok(Value::Null)
        }
        Some("wait") => {
            tokio::time::sleep(Duration::from_millis(
                payload["millis"].as_u64().unwrap_or(0),
            ))
            .await;
            Ok(json!(std::process::id()))
        }
        Some("environment") => {
            let variables: std::collections::BTreeMap<_, _> = std::env::vars().collect();
            Ok(json!(variables))
        }
        _ => Ok(json!({
            "echo": payload,
            "requestId": context.request_id,
            "arn": context.invoked_function_arn,
            "pid": std::process::id(),
        })),
    }
}
