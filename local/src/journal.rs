//! What happened, in order: the one record which the console, `/api/*` and the tests read.
//!
//! Every part of the emulator appends; nothing is edited. A reader takes what is there and then
//! follows the broadcast, so that it can wait for a happening instead of sleeping.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Position in the journal, from 0, without gaps.
    pub sequence: usize,
    pub at: Timestamp,
    #[serde(flatten)]
    pub happening: Happening,
}

#[derive(Debug, Clone, Serialize)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Happening {
    /// The HTTP API answered a request.
    Request {
        method: String,
        /// Path without query.
        path: String,
        function: String,
        request_id: String,
        status: u16,
        /// Time from request to answer, in microseconds.
        micros: u64,
    },
    /// A function ran once, however it was invoked.
    Invocation {
        /// Logical id of the function.
        function: String,
        request_id: String,
        /// True for the first event of its environment.
        cold: bool,
        /// Time in the function, in microseconds.
        micros: u64,
        error: Option<String>,
    },
    /// The bus accepted an event.
    Event {
        /// Name of the bus.
        bus: String,
        /// The whole event as targets get it.
        event: Value,
        /// Functions whose rules matched.
        targets: Vec<String>,
    },
    /// The mail service accepted a mail.
    Mail { mail: Mail },
    /// An invocation or a record could not be delivered and went to a queue.
    DeadLetter {
        /// Logical id of the queue.
        queue: String,
        /// The message as it stands in the queue, in AWS's shape.
        message: Value,
    },
    /// A message was put into a queue.
    Queued {
        /// Logical id of the queue.
        queue: String,
        /// Id of the message.
        message: String,
    },
    /// A batch of messages went to a function; those that failed come again.
    Taken {
        /// Logical id of the queue.
        queue: String,
        function: String,
        messages: usize,
        failed: usize,
    },
    /// A stream batch was read up to its newest record and answered without failures.
    Relayed {
        /// Logical id of the table.
        table: String,
        function: String,
        /// Records in the batch, after the filter.
        records: usize,
    },
    /// A line a function wrote.
    Log {
        /// Logical id of the function.
        function: String,
        line: String,
    },
}

/// A mail as the mail service took it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Mail {
    /// Message id which the service gave it.
    pub id: String,
    pub from: String,
    /// Receivers, all kinds.
    pub to: Vec<String>,
    pub subject: String,
    pub text: Option<String>,
    pub html: Option<String>,
    /// Header fields of the sender's own.
    pub headers: std::collections::BTreeMap<String, String>,
    /// Message tags, name to value.
    pub tags: std::collections::BTreeMap<String, String>,
}

/// The journal. Clones share one record.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    entries: Arc<Mutex<Vec<Arc<Entry>>>>,
    length: watch::Sender<usize>,
}

impl Journal {
    pub(crate) fn append(&self, happening: Happening) {
        let mut entries = self.lock();
        let entry = Entry {
            sequence: entries.len(),
            at: Timestamp::now(),
            happening,
        };
        entries.push(Arc::new(entry));
        let length = entries.len();
        drop(entries);
        self.length.send_replace(length);
    }

    /// Sends `message` to the queue with the logical id `queue`.
    pub(crate) fn dead_letter(&self, queue: &str, message: Value) {
        self.append(Happening::DeadLetter {
            queue: queue.to_owned(),
            message,
        });
    }

    /// Every entry from position `from` on.
    pub fn since(&self, from: usize) -> Vec<Arc<Entry>> {
        let entries = self.lock();
        entries.get(from..).unwrap_or_default().to_vec()
    }

    /// The length now, and each time it grows.
    pub(crate) fn subscribe(&self) -> watch::Receiver<usize> {
        self.length.subscribe()
    }

    /// Waits until an entry at or after position `from` satisfies `wanted`, and gives what it made of it.
    /// Never gives up: bound it with [`tokio::time::timeout`].
    pub async fn wait_for<T>(
        &self,
        mut from: usize,
        mut wanted: impl FnMut(&Entry) -> Option<T>,
    ) -> T {
        let mut length = self.subscribe();
        loop {
            length.borrow_and_update();
            for entry in self.since(from) {
                from = entry.sequence + 1;
                if let Some(found) = wanted(&entry) {
                    return found;
                }
            }
            // The sender lives in `self`, so the channel cannot be closed here.
            if length.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Entry>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
