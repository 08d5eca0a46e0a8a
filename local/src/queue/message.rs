//! One message.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;

use super::Refusal;

/// A message in a queue.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) body: String,
    pub(super) sent: Timestamp,
    pub(super) queued_at: Instant,
    pub(super) visible_at: Instant,
    pub(super) taken_at: Instant,
    pub(super) receives: u32,
    hold: Hold,
    first_received: Option<Timestamp>,
}

/// What keeps a message invisible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hold {
    /// Nothing but a delay.
    Nobody,
    /// Who took it.
    Taker,
    /// Its visibility time-out, which its taker left it to.
    Left,
    /// The time which its taker chose.
    PutOff,
}

/// A message as a receiver gets it.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) id: String,
    pub(crate) receipt: String,
    pub(crate) body: String,
    /// System attributes, name to value.
    pub(crate) attributes: Vec<(&'static str, String)>,
}

impl Message {
    pub(super) fn new(body: String, delay: Duration) -> Self {
        let now = Instant::now();
        Self {
            id: Uuid::new_v4().to_string(),
            body,
            sent: Timestamp::now(),
            queued_at: now,
            visible_at: now + delay,
            taken_at: now,
            receives: 0,
            hold: Hold::Nobody,
            first_received: None,
        }
    }

    /// Hands the message out; it is invisible until `visible_at`.
    pub(super) fn take(&mut self, visible_at: Instant) -> Received {
        self.visible_at = visible_at;
        self.taken_at = Instant::now();
        self.receives += 1;
        self.hold = Hold::Taker;
        let first = *self.first_received.get_or_insert_with(Timestamp::now);
        let millis = |time: Timestamp| time.as_millisecond().to_string();
        Received {
            id: self.id.clone(),
            receipt: self.receipt(),
            body: self.body.clone(),
            attributes: vec![
                ("ApproximateReceiveCount", self.receives.to_string()),
                ("ApproximateFirstReceiveTimestamp", millis(first)),
                ("SenderId", "local".to_owned()),
                ("SentTimestamp", millis(self.sent)),
            ],
        }
    }

    /// The receipt handle of who had it last.
    pub(super) fn receipt(&self) -> String {
        format!("{}.{}", self.id, self.receives)
    }

    /// Makes it visible at this time, as its taker says.
    pub(super) fn put_off(&mut self, visible_at: Instant) {
        self.visible_at = visible_at;
        self.hold = Hold::PutOff;
    }

    /// Its taker is done, and neither deleted it nor put it off.
    pub(super) fn leave(&mut self) {
        if self.hold == Hold::Taker {
            self.hold = Hold::Left;
        }
    }

    /// Makes it visible, if it was left.
    pub(super) fn end_timeout(&mut self) {
        if self.hold == Hold::Left {
            self.visible_at = Instant::now();
            self.hold = Hold::Nobody;
        }
    }
}

/// The message and the number of the receipt which a receipt handle means.
pub(super) fn read_receipt(receipt: &str) -> Result<(String, u32), Refusal> {
    let parts = receipt.rsplit_once('.');
    let parts = parts.and_then(|(id, receives)| Some((id.to_owned(), receives.parse().ok()?)));
    parts.ok_or_else(|| Refusal::receipt(receipt))
}
