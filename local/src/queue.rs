//! The dead-letter queues: what could not be delivered, in the shape in which SQS would hold it.

use serde_json::Value;

use crate::journal::{Happening, Journal};

/// The queues of the template, kept in the journal.
#[derive(Debug, Clone)]
pub struct Queues {
    journal: Journal,
}

impl Queues {
    /// Queues which keep their messages in `journal`.
    pub fn new(journal: Journal) -> Self {
        Self { journal }
    }

    /// Sends `message` to the queue with the logical id `queue`.
    pub fn send(&self, queue: &str, message: Value) {
        self.journal.append(Happening::DeadLetter {
            queue: queue.to_owned(),
            message,
        });
    }
}
