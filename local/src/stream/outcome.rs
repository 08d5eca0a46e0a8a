//! What a function's answer says about the batch it got.

use serde_json::Value;

use super::batch::{Batch, sequence_number};
use crate::invoke::InvokeError;

/// How an invocation went.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Every record is dealt with.
    Accepted,
    /// The records before this one are dealt with. The error is that of the invocation itself.
    FailedFrom(usize, Option<InvokeError>),
}

/// Reads `{"batchItemFailures": [{"itemIdentifier": <sequence number>}]}`. No list, an empty
/// one and an empty answer are success; an identifier that is none of the batch fails it whole.
pub(super) fn read(answer: &Value, batch: &Batch) -> Outcome {
    let failures = match (answer, answer.get("batchItemFailures")) {
        (Value::Null | Value::Object(_), None | Some(Value::Null)) => return Outcome::Accepted,
        (_, Some(Value::Array(failures))) if failures.is_empty() => return Outcome::Accepted,
        (_, Some(Value::Array(failures))) => failures,
        _ => return Outcome::FailedFrom(0, None),
    };
    let positions: Option<Vec<usize>> = failures
        .iter()
        .map(|failure| {
            let identifier = failure.get("itemIdentifier")?.as_str()?;
            let mut records = batch.records.iter();
            records.position(|record| sequence_number(record) == identifier)
        })
        .collect();
    let lowest = positions.and_then(|positions| positions.into_iter().min());
    Outcome::FailedFrom(lowest.unwrap_or(0), None)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::stream::batch;

    /// The first failed record of a batch with the sequence numbers 1, 2 and 3.
    fn first_failed(answer: &Value) -> Option<usize> {
        let records = (1..=3)
            .map(|number| json!({ "dynamodb": { "SequenceNumber": number.to_string() } }))
            .collect();
        let batch = batch::split(records, 10).remove(0);
        match read(answer, &batch) {
            Outcome::Accepted => None,
            Outcome::FailedFrom(first, _) => Some(first),
        }
    }

    #[test]
    fn nothing_reported_is_success() {
        for answer in [
            json!(null),
            json!({}),
            json!({ "batchItemFailures": null }),
            json!({ "batchItemFailures": [] }),
        ] {
            assert_eq!(first_failed(&answer), None, "{answer}");
        }
    }

    #[test]
    fn the_lowest_reported_record_is_the_first_failed_one() {
        let answer =
            json!({ "batchItemFailures": [{ "itemIdentifier": "3" }, { "itemIdentifier": "2" }] });
        assert_eq!(first_failed(&answer), Some(1));
    }

    #[test]
    fn a_malformed_report_fails_the_whole_batch() {
        for answer in [
            json!("done"),
            json!({ "batchItemFailures": "2" }),
            json!({ "batchItemFailures": [{ "itemIdentifier": "" }] }),
            json!({ "batchItemFailures": [{ "itemIdentifier": null }] }),
            json!({ "batchItemFailures": [{ "identifier": "2" }] }),
            json!({ "batchItemFailures": [{ "itemIdentifier": "2" }, { "itemIdentifier": "9" }] }),
        ] {
            assert_eq!(first_failed(&answer), Some(0), "{answer}");
        }
    }
}
