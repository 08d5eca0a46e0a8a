//! Redrive: what waits in a dead-letter queue goes to its function again, and to no other.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::post,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{invoke::SharedInvoker, queue::Queues, template::Model};

/// How long a message is hidden while its function has it: longer than any runs.
const HIDDEN: Duration = Duration::from_mins(15);

/// Messages taken at once.
const BATCH: usize = 10;

#[derive(Clone)]
pub(crate) struct Redrive {
    queues: Queues,
    invoker: SharedInvoker,
    /// Functions by the queues that take what they failed at.
    functions: BTreeMap<String, String>,
}

/// What came of a redrive.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Redriven {
    /// Messages which the function is done with.
    observed: usize,
    /// Messages that stay in the queue.
    failed: usize,
}

impl Redrive {
    pub(crate) fn new(model: &Model, queues: Queues, invoker: SharedInvoker) -> Self {
        let of_rules = model.rules.iter().filter_map(|rule| {
            let queue = &rule.dead_letter_config.as_ref()?.queue;
            Some((queue.clone(), rule.function.clone()))
        });
        let of_functions = model.functions.iter().filter_map(|(id, function)| {
            let destination = function.event_invoke_config.destination_config.as_ref()?;
            Some((destination.on_failure.destination.clone(), id.clone()))
        });
        Self {
            queues,
            invoker,
            functions: of_rules.chain(of_functions).collect(),
        }
    }

    /// `POST /api/queues/{queue}/redrive`.
    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/api/queues/{queue}/redrive", post(handle))
            .with_state(self)
    }

    /// Hands all messages of the queue to its function, one after the other. None if no function fails
    /// into it.
    async fn run(&self, queue: &str) -> Option<Redriven> {
        let function = self.functions.get(queue)?;
        let mut failed = Vec::new();
        let mut observed = 0;
        loop {
            let messages = self.queues.receive(queue, BATCH, Some(HIDDEN)).ok()?;
            if messages.is_empty() {
                break;
            }
            for message in messages {
                let letter = serde_json::from_str(&message.body).unwrap_or_default();
                if self.invoker.call(function, event_of(letter)).await.is_ok() {
                    self.queues.delete(queue, &message.receipt).ok()?;
                    observed += 1;
                } else {
                    failed.push(message.receipt);
                }
            }
        }
        for receipt in &failed {
            self.queues
                .change_visibility(queue, receipt, Duration::ZERO)
                .ok()?;
        }
        Some(Redriven {
            observed,
            failed: failed.len(),
        })
    }
}

/// The event in a dead letter: a failed invocation has it in `requestPayload`, and a rule that could not
/// hand it over puts it there itself.
fn event_of(mut letter: Value) -> Value {
    match letter.get_mut("requestPayload") {
        Some(event) => event.take(),
        None => letter,
    }
}

async fn handle(State(redrive): State<Redrive>, Path(queue): Path<String>) -> Response {
    if let Some(redriven) = redrive.run(&queue).await {
        return Json(redriven).into_response();
    }
    let message = format!("{queue} is no queue of an observer");
    (StatusCode::NOT_FOUND, Json(json!({ "message": message }))).into_response()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::{
        invoke::InvokeError,
        journal::Journal,
        template::{Overrides, Template},
        testing::FakeInvoker,
    };

    const TEMPLATE: &str = "
Resources:
  Observe:
    Type: AWS::Serverless::Function
    Metadata: { BuildMethod: rust-cargolambda, BuildProperties: { Binary: observe } }
    Properties:
      Runtime: provided.al2023
      EventInvokeConfig:
        DestinationConfig: { OnFailure: { Type: SQS, Destination: !GetAtt Failures.Arn } }
      Events:
        Made:
          Type: EventBridgeRule
          Properties: { Pattern: { source: [shop] }, DeadLetterConfig: { Arn: !GetAtt Failures.Arn } }
  Failures: { Type: AWS::SQS::Queue }
  Others: { Type: AWS::SQS::Queue }
";

    #[tokio::test]
    async fn both_shapes_go_to_their_function_until_it_takes_them() {
        let template = Template::parse(TEMPLATE).unwrap();
        let model = template.resolve(&Overrides::new()).unwrap();
        let queues = Queues::new(model.queues.clone(), &Journal::default());
        let is_mended = Arc::new(Mutex::new(false));
        let mended = is_mended.clone();
        let invoker = Arc::new(FakeInvoker::new(move |event| {
            if event["id"] == 2 && !*mended.lock().unwrap() {
                return Err(InvokeError::Function(json!({})));
            }
            Ok(Value::Null)
        }));
        let redrive = Redrive::new(&model, queues.clone(), invoker.clone());
        let by_rule = json!({"id": 1, "detail-type": "Made"});
        let by_function = json!({"requestContext": {}, "requestPayload": {"id": 2}});
        for letter in [&by_rule, &by_function] {
            queues.send("Failures", letter.to_string(), None).unwrap();
        }
        let redriven = |observed, failed| Some(Redriven { observed, failed });
        assert_eq!(redrive.run("Failures").await, redriven(1, 1));
        assert_eq!(redrive.run("Failures").await, redriven(0, 1), "it stays");
        *is_mended.lock().unwrap() = true;
        assert_eq!(redrive.run("Failures").await, redriven(1, 0));
        assert_eq!(redrive.run("Failures").await, redriven(0, 0));
        assert!(queues.bodies("Failures").is_empty());
        let payloads = invoker.payloads();
        assert_eq!(payloads[0], ("Observe".to_owned(), by_rule));
        assert_eq!(payloads[3].1, json!({"id": 2}));
        assert_eq!(redrive.run("Others").await, None);
    }
}
