//! Batches of stream records.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::invoke::InvokeError;

/// Most bytes in a batch: Lambda's payload limit of 6 MB for synchronous invocations.
const BYTES: usize = 6 * 1024 * 1024;

/// Records on their way to the function. Never empty.
pub(super) struct Batch {
    pub(super) records: Vec<Value>,
    /// How often it was tried again.
    pub(super) retries: u32,
    /// Why the last try failed, if the function said so.
    pub(super) error: Option<InvokeError>,
}

impl Batch {
    fn of(records: Vec<Value>) -> Self {
        Self {
            records,
            retries: 0,
            error: None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// Sequence number of the oldest record.
    pub(super) fn oldest(&self) -> String {
        let first = self.records.first();
        first.map(sequence_number).unwrap_or_default()
    }

    /// Sequence number of the newest record.
    pub(super) fn newest(&self) -> String {
        self.records.last().map(sequence_number).unwrap_or_default()
    }

    /// How long ago its oldest record was written.
    pub(super) fn age(&self) -> Duration {
        let written = self.records.first().and_then(arrival);
        written
            .and_then(|written| Timestamp::now().duration_since(written).try_into().ok())
            .unwrap_or_default()
    }

    /// Takes the records from `first` on as a batch of their own.
    pub(super) fn split_off(&mut self, first: usize) -> Self {
        Self {
            records: self.records.split_off(first),
            retries: self.retries,
            error: self.error.clone(),
        }
    }

    /// The same records with all their retries.
    pub(super) fn afresh(self) -> Self {
        Self::of(self.records)
    }
}

/// Cuts `records` into batches of at most `size` records and [`BYTES`] bytes.
pub(super) fn split(records: Vec<Value>, size: usize) -> Vec<Batch> {
    let mut batches: Vec<Batch> = Vec::new();
    let mut bytes = 0;
    for record in records {
        let length = record.to_string().len();
        match batches.last_mut() {
            Some(batch) if batch.len() < size && bytes + length <= BYTES => {
                batch.records.push(record);
                bytes += length;
            }
            _ => {
                batches.push(Batch::of(vec![record]));
                bytes = length;
            }
        }
    }
    batches
}

/// The sequence number of a record.
pub(super) fn sequence_number(record: &Value) -> String {
    let number = &record["dynamodb"]["SequenceNumber"];
    number.as_str().unwrap_or_default().to_owned()
}

/// When a record was written, to the second.
pub(super) fn arrival(record: &Value) -> Option<Timestamp> {
    let seconds = record["dynamodb"]["ApproximateCreationDateTime"].as_f64()?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a time in whole seconds, which a double holds exactly"
    )]
    Timestamp::from_second(seconds as i64).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn batches_are_cut_by_count_and_by_bytes() {
        let records = |count: usize, text: &str| vec![json!({ "x": text }); count];
        let lengths =
            |records| -> Vec<usize> { split(records, 100).iter().map(Batch::len).collect() };
        assert_eq!(lengths(records(250, "")), [100, 100, 50]);
        assert_eq!(lengths(records(5, &"x".repeat(BYTES / 2 - 100))), [2, 2, 1]);
        assert_eq!(lengths(records(2, &"x".repeat(BYTES))), [1, 1]);
        assert!(split(Vec::new(), 100).is_empty());
    }
}
