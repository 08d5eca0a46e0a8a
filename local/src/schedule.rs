//! Schedules: `rate(…)` rules of `EventBridge`, which invoke a function again and again.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    invoke::SharedInvoker,
    template::{ACCOUNT, REGION, Schedule, arn},
};

/// Runs a schedule until it is dropped. A rate's first invocation comes after one period.
pub(crate) async fn run(schedule: Schedule, invoker: SharedInvoker) {
    let mut due = Timestamp::now();
    let period = SignedDuration::try_from(schedule.period).unwrap_or(SignedDuration::MAX);
    while let Ok(next) = due.checked_add(period) {
        due = next;
        // A time that has passed already, as after the machine slept, is due at once.
        let wait = due.duration_since(Timestamp::now()).try_into();
        tokio::time::sleep(wait.unwrap_or_default()).await;
        invoker.send(&schedule.function, event_of(&schedule, due));
    }
}

/// The event as `EventBridge` makes it.
fn event_of(schedule: &Schedule, due: Timestamp) -> Value {
    json!({
        "version": "0",
        "id": Uuid::new_v4(),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": format!("{due:.0}"),
        "region": REGION,
        "resources": [arn("events", &format!("rule/{}", schedule.name))],
        "detail": {},
    })
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::testing::FakeInvoker;

    #[tokio::test(start_paused = true)]
    async fn a_rate_invokes_again_and_again() {
        let invoker = Arc::new(FakeInvoker::new(|_| Ok(Value::Null)));
        let schedule = Schedule {
            name: "Sweep".to_owned(),
            period: Duration::from_mins(1),
            function: "Sweep".to_owned(),
        };
        let shared: SharedInvoker = invoker.clone();
        let schedule = tokio::spawn(run(schedule, shared));
        let twice = invoker.invoked(2);
        tokio::time::timeout(Duration::from_mins(10), twice)
            .await
            .unwrap();
        schedule.abort();
        let (function, event) = &invoker.payloads()[0];
        assert_eq!(function, "Sweep");
        assert_eq!(event["source"], "aws.events");
        assert_eq!(
            event["resources"][0],
            "arn:aws:events:us-east-1:000000000000:rule/Sweep"
        );
    }
}
