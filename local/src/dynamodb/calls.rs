//! What the functions asked of the database: the base of cost tables and of tests that hold
//! the calls against a function's policy.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use serde::Serialize;

/// Calls kept in full. Older ones are only in the totals.
const KEPT: usize = 20_000;

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// Position in the order of the answers, from 0, without gaps.
    pub position: usize,
    /// Access key id of the signature: the logical id of the calling function.
    pub caller: String,
    pub operation: String,
    /// What it touched, in the request's order. A transaction has one for each of its items.
    pub accesses: Vec<Access>,
    pub capacity: Capacity,
    pub status: u16,
    /// Error code of the answer, such as `ConditionalCheckFailedException`.
    pub error: Option<String>,
}

/// What a call touched, in the terms of an IAM policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Access {
    /// The action that must be allowed, without `dynamodb:`; `ConditionCheckItem` and so on
    /// for the items of a transaction.
    pub action: String,
    pub table: String,
    pub index: Option<String>,
    /// Values of the partition key (`dynamodb:LeadingKeys`). Empty for a scan and for
    /// operations on the table itself.
    pub leading_keys: Vec<String>,
}

/// Capacity units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Capacity {
    pub read: f64,
    pub write: f64,
}

impl std::ops::AddAssign for Capacity {
    fn add_assign(&mut self, other: Self) {
        self.read += other.read;
        self.write += other.write;
    }
}

/// One line of the cost table: all calls of one operation on the same tables by one caller.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Total {
    pub caller: String,
    pub operation: String,
    /// The tables, and `table/index` for an index, sorted, joined with `, `.
    pub target: String,
    pub calls: u64,
    /// How many of them got an error, failed conditions included.
    pub errors: u64,
    pub capacity: Capacity,
}

/// The record of calls. Clones share one record.
#[derive(Debug, Clone, Default)]
pub struct Calls(Arc<Mutex<Record>>);

#[derive(Debug, Default)]
struct Record {
    next: usize,
    recent: VecDeque<Arc<Call>>,
    /// By caller, operation and target.
    totals: BTreeMap<(String, String, String), Total>,
}

impl Calls {
    /// The position the next call will have: a marker for [`Self::since`].
    pub fn position(&self) -> usize {
        self.lock().next
    }

    /// The calls from `position` on, as far as they are still kept.
    pub fn since(&self, position: usize) -> Vec<Arc<Call>> {
        let record = self.lock();
        let oldest = record.next - record.recent.len();
        let skip = position.saturating_sub(oldest);
        record.recent.iter().skip(skip).cloned().collect()
    }

    pub(crate) fn totals(&self) -> Vec<Total> {
        self.lock().totals.values().cloned().collect()
    }

    /// Appends a call, giving it its position.
    pub(crate) fn append(&self, mut call: Call) {
        let mut record = self.lock();
        call.position = record.next;
        record.next += 1;
        record.add(&call);
        if record.recent.len() == KEPT {
            record.recent.pop_front();
        }
        record.recent.push_back(Arc::new(call));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    fn add(&mut self, call: &Call) {
        let targets: BTreeSet<String> = call.accesses.iter().map(Access::target).collect();
        let target = Vec::from_iter(targets).join(", ");
        let key = (call.caller.clone(), call.operation.clone(), target);
        let total = self.totals.entry(key).or_insert_with_key(|key| Total {
            caller: key.0.clone(),
            operation: key.1.clone(),
            target: key.2.clone(),
            calls: 0,
            errors: 0,
            capacity: Capacity::default(),
        });
        total.calls += 1;
        total.errors += u64::from(call.status >= 400);
        total.capacity += call.capacity;
    }
}

impl Access {
    fn target(&self) -> String {
        match &self.index {
            Some(index) => format!("{}/{index}", self.table),
            None => self.table.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(caller: &str, write: f64) -> Call {
        Call {
            position: 0,
            caller: caller.to_owned(),
            operation: "PutItem".to_owned(),
            accesses: vec![Access {
                action: "PutItem".to_owned(),
                table: "users".to_owned(),
                index: None,
                leading_keys: vec!["a".to_owned()],
            }],
            capacity: Capacity { read: 0.0, write },
            status: 200,
            error: None,
        }
    }

    #[test]
    fn positions_have_no_gaps_and_old_calls_are_dropped() {
        let calls = Calls::default();
        for _ in 0..KEPT + 5 {
            calls.append(call("A", 1.0));
        }
        assert_eq!(calls.position(), KEPT + 5);
        assert_eq!(calls.since(0).len(), KEPT);
        assert_eq!(calls.since(KEPT + 3)[0].position, KEPT + 3);
        assert!(calls.since(KEPT + 9).is_empty());
        assert_eq!(calls.totals()[0].calls, (KEPT + 5) as u64);
    }

    #[test]
    fn totals_are_per_caller() {
        let calls = Calls::default();
        calls.append(call("A", 1.0));
        calls.append(call("B", 2.0));
        calls.append(call("A", 3.0));
        let totals = calls.totals();
        assert_eq!(totals.len(), 2);
        assert_eq!((totals[0].caller.as_str(), totals[0].calls), ("A", 2));
        assert!((totals[0].capacity.write - 4.0).abs() < f64::EPSILON);
        assert_eq!(calls.position(), 3);
    }
}
