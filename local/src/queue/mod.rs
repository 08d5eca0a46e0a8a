//! Queues: messages that wait, and the event source mappings that hand them to functions.
//!
//! # Where it differs from SQS
//! - Messages live in memory: they end with the stack, also with a folder of data.
//! - They come in the order in which they are due. A standard queue promises no order.
//! - No message comes twice but by its visibility time-out, and nobody sleeps on a long poll.
//! - A message that moves to a dead-letter queue gets a new id.
//! - FIFO queues, message attributes and tags are not there.

mod endpoint;
mod mapping;
mod message;
mod refusal;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::{sync::watch, task::JoinSet, time::Instant};

use self::message::{Message, Received};
pub use self::refusal::Refusal;
use crate::{
    invoke::SharedInvoker,
    journal::{Happening, Journal},
    template::{Queue, QueueMapping},
};

/// Longest time for which a message may be invisible, from its receipt on (SQS quota).
const LONGEST_INVISIBLE: Duration = Duration::from_hours(12);

/// Bytes of a message (SQS quota: 1 MiB since 2025).
const LONGEST_BODY: usize = 1_048_576;

/// The queues of a stack. Clones share them.
#[derive(Clone)]
pub struct Queues(Arc<Inner>);

struct Inner {
    /// By logical id.
    queues: BTreeMap<String, Queue>,
    waiting: Mutex<BTreeMap<String, Vec<Message>>>,
    /// Counts the changes of what waits.
    changes: watch::Sender<u64>,
    calls: Mutex<Vec<Call>>,
    journal: Journal,
}

/// A call of the queues' endpoint, in the terms of an IAM policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Access key id of the signature: the logical id of the calling function.
    pub caller: String,
    /// The action that must be allowed, without `sqs:`.
    pub action: String,
    /// Logical id of the queue.
    pub queue: String,
}

/// How many messages a queue has, as `GetQueueAttributes` counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Those that can be received.
    pub visible: usize,
    /// Those that were received and neither deleted nor given back.
    pub in_flight: usize,
    /// Those that were sent with a delay.
    pub delayed: usize,
}

impl Queues {
    /// The queues of a template. To be called within a runtime: what others give up on comes by way of
    /// the journal.
    pub(crate) fn new(queues: BTreeMap<String, Queue>, journal: &Journal) -> Self {
        Self(Arc::new(Inner {
            queues,
            waiting: Mutex::default(),
            changes: watch::Sender::new(0),
            calls: Mutex::default(),
            journal: journal.clone(),
        }))
    }

    /// The endpoint of the queues.
    pub(crate) fn router(&self) -> axum::Router {
        endpoint::router(self.clone())
    }

    /// Hands messages to functions, and takes what others give up on, until `tasks` is dropped.
    pub(crate) fn start(
        &self,
        mappings: &[QueueMapping],
        invoker: &SharedInvoker,
        tasks: &mut JoinSet<()>,
    ) {
        for mapping in mappings {
            for _ in 0..mapping.workers() {
                let (queues, mapping, invoker) = (self.clone(), mapping.clone(), invoker.clone());
                tasks.spawn(async move { mapping::run(&queues, &mapping, &invoker).await });
            }
        }
        let queues = self.clone();
        tasks.spawn(async move { queues.take_dead_letters().await });
    }

    /// Puts what failed elsewhere (an asynchronous invocation, a stream's batch) into its queue.
    async fn take_dead_letters(&self) {
        let mut from = 0;
        loop {
            let wanted = |entry: &crate::journal::Entry| match &entry.happening {
                Happening::DeadLetter { queue, message } => {
                    Some((entry.sequence, queue.clone(), message.clone()))
                }
                _ => None,
            };
            let (sequence, queue, message) = self.0.journal.wait_for(from, wanted).await;
            from = sequence + 1;
            let body = match message {
                Value::String(text) => text,
                other => other.to_string(),
            };
            if let Err(refusal) = self.send(&queue, body, None) {
                tracing::error!(queue, ?refusal, "a dead letter is lost");
            }
        }
    }

    /// The calls so far.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.0.calls).clone()
    }

    /// How many messages the queue with this logical id has.
    pub fn counts(&self, queue: &str) -> Counts {
        let now = Instant::now();
        let mut counts = Counts::default();
        for message in self.waiting().get(queue).into_iter().flatten() {
            if message.visible_at <= now {
                counts.visible += 1;
            } else if message.receives == 0 {
                counts.delayed += 1;
            } else {
                counts.in_flight += 1;
            }
        }
        counts
    }

    /// The bodies of all messages of the queue with this logical id.
    pub fn bodies(&self, queue: &str) -> Vec<String> {
        let waiting = self.waiting();
        let messages = waiting.get(queue).into_iter().flatten();
        messages.map(|message| message.body.clone()).collect()
    }

    /// Puts a message into a queue; gives its id.
    pub(crate) fn send(
        &self,
        id: &str,
        body: String,
        delay: Option<u64>,
    ) -> Result<Message, Refusal> {
        let queue = self.queue(id)?;
        if body.is_empty() || body.len() > LONGEST_BODY {
            return Err(Refusal::parameter(
                "The message must have 1 to 1048576 bytes.",
            ));
        }
        let delay = delay.unwrap_or(queue.delay_seconds);
        if delay > 900 {
            return Err(Refusal::parameter("DelaySeconds must be at most 900."));
        }
        let message = Message::new(body, Duration::from_secs(delay));
        self.0.journal.append(Happening::Queued {
            queue: id.to_owned(),
            message: message.id.clone(),
        });
        let mut waiting = self.waiting();
        waiting
            .entry(id.to_owned())
            .or_default()
            .push(message.clone());
        drop(waiting);
        self.changed();
        Ok(message)
    }

    /// Takes up to `most` messages which are due. What was taken too often goes to the dead-letter
    /// queue, what is too old is gone.
    pub(crate) fn receive(
        &self,
        id: &str,
        most: usize,
        visibility: Option<Duration>,
    ) -> Result<Vec<Received>, Refusal> {
        let queue = self.queue(id)?;
        let visibility = visibility.unwrap_or(Duration::from_secs(queue.visibility_timeout));
        let retention = Duration::from_secs(queue.message_retention_period);
        let (mut taken, mut dead) = (Vec::new(), Vec::new());
        let now = Instant::now();
        let mut waiting = self.waiting();
        let messages = waiting.entry(id.to_owned()).or_default();
        messages.retain(|message| now.duration_since(message.queued_at) < retention);
        messages.sort_by_key(|message| message.visible_at);
        let limit = queue.redrive_policy.as_ref();
        messages.retain_mut(|message| {
            if message.visible_at > now || taken.len() == most {
                return true;
            }
            if limit.is_some_and(|limit| message.receives >= limit.max_receive_count) {
                dead.push(message.body.clone());
                return false;
            }
            taken.push(message.take(now + visibility));
            true
        });
        drop(waiting);
        for body in dead {
            if let Some(limit) = limit {
                let message = serde_json::from_str(&body).unwrap_or(Value::String(body));
                self.0
                    .journal
                    .dead_letter(&limit.dead_letter_target, message);
            }
        }
        Ok(taken)
    }

    /// Removes a message. An old receipt of it will do too, as with SQS's standard queues mostly.
    pub(crate) fn delete(&self, id: &str, receipt: &str) -> Result<(), Refusal> {
        self.queue(id)?;
        let (message, _) = message::read_receipt(receipt)?;
        let mut waiting = self.waiting();
        let messages = waiting.entry(id.to_owned()).or_default();
        messages.retain(|other| other.id != message);
        drop(waiting);
        self.changed();
        Ok(())
    }

    /// Makes a message that was taken visible after `pause`.
    pub(crate) fn change_visibility(
        &self,
        id: &str,
        receipt: &str,
        pause: Duration,
    ) -> Result<(), Refusal> {
        self.queue(id)?;
        let (message, receives) = message::read_receipt(receipt)?;
        let now = Instant::now();
        let mut waiting = self.waiting();
        let mut messages = waiting.entry(id.to_owned()).or_default().iter_mut();
        let found = messages.find(|other| other.id == message && other.receives == receives);
        let Some(found) = found.filter(|found| found.visible_at > now) else {
            return Err(Refusal::not_in_flight());
        };
        if now.duration_since(found.taken_at) + pause > LONGEST_INVISIBLE {
            return Err(Refusal::parameter(
                "Total VisibilityTimeout for the message is beyond the limit [43200 seconds].",
            ));
        }
        found.put_off(now + pause);
        drop(waiting);
        self.changed();
        Ok(())
    }

    /// Lets the visibility time-outs end of what functions left, since they failed or were killed: who waits
    /// for it need not wait for minutes. What a function has still stays with it, and what it put off is
    /// put off.
    pub fn end_timeouts(&self, id: &str) {
        for message in self.waiting().get_mut(id).into_iter().flatten() {
            message.end_timeout();
        }
        self.changed();
    }

    /// Notes that the function which had this batch is done with it, and left what is there still.
    fn left(&self, id: &str, batch: &[Received]) {
        let mut waiting = self.waiting();
        for message in waiting.get_mut(id).into_iter().flatten() {
            // Somebody else may have it by now.
            if batch.iter().any(|left| left.receipt == message.receipt()) {
                message.leave();
            }
        }
    }

    /// Waits until a message may be due, or what waits changed.
    pub(crate) async fn due(&self, id: &str, changes: &mut watch::Receiver<u64>) {
        let next = {
            let waiting = self.waiting();
            let messages = waiting.get(id).into_iter().flatten();
            messages.map(|message| message.visible_at).min()
        };
        let due = async {
            match next {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = due => {}
            // The sender lives in `self`, so the channel cannot be closed here.
            _changed = changes.changed() => {}
        }
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    fn queue(&self, id: &str) -> Result<&Queue, Refusal> {
        self.0.queues.get(id).ok_or_else(Refusal::no_queue)
    }

    /// Logical id of the queue with this URL, or with this name.
    fn by_url(&self, url: &str) -> Result<String, Refusal> {
        let name = url.rsplit('/').next().unwrap_or(url);
        let mut queues = self.0.queues.iter();
        let found = queues.find(|(_, queue)| queue.name == name);
        found
            .map(|(id, _)| id.clone())
            .ok_or_else(Refusal::no_queue)
    }

    fn note(&self, call: Call) {
        lock(&self.0.calls).push(call);
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<String, Vec<Message>>> {
        lock(&self.0.waiting)
    }

    fn changed(&self) {
        self.0
            .changes
            .send_modify(|count| *count = count.wrapping_add(1));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
