//! The event buses: rules match events and hand them to functions as asynchronous invocations.
//!
//! # Where it differs from `EventBridge`
//! - An event reaches its targets at once and in the order of the rules.
//! - A target's delivery cannot fail by itself; the dead-letter queue of a rule gets something
//!   only when a test orders it ([`Faults::deliveries`]).
//! - Nobody is checked for the permission to publish, apart from the sources `aws.*`.

mod endpoint;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use anyhow::bail;
use axum::Router;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    faults,
    invoke::SharedInvoker,
    journal::{Happening, Journal},
    queue::Queues,
    template::{ACCOUNT, REGION, Rule},
};

/// The bus every account has, which AWS services publish to.
pub const DEFAULT: &str = "default";

/// What to run.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Names of the buses beside [`DEFAULT`].
    pub buses: Vec<String>,
    /// The rules of all buses.
    pub rules: Vec<Rule>,
}

/// An event to publish.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// Who publishes, such as `orders`.
    pub source: String,
    /// What happened, such as `UserCreated`.
    pub detail_type: String,
    /// The event's own object.
    pub detail: Value,
    /// ARNs the event is about.
    pub resources: Vec<String>,
    /// When it happened; the time of publication if the publisher does not say.
    pub time: Option<Timestamp>,
}

/// The faults a test can order.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// Of whole `PutEvents` requests.
    pub requests: faults::Faults,
    /// Of single entries of `PutEvents` requests.
    pub entries: faults::Faults,
    /// Of deliveries to a target: the event goes to the rule's dead-letter queue instead.
    pub deliveries: faults::Faults,
}

/// The buses. Clones share everything.
#[derive(Clone)]
pub struct Bus(Arc<Inner>);

struct Inner {
    config: Config,
    invoker: SharedInvoker,
    journal: Journal,
    queues: Queues,
    faults: Faults,
}

/// There is no bus of that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no event bus {0}")]
pub struct UnknownBus(pub String);

impl Bus {
    /// # Errors
    /// If a rule is on a bus that does not exist.
    pub fn new(
        mut config: Config,
        invoker: SharedInvoker,
        journal: Journal,
        queues: Queues,
    ) -> anyhow::Result<Self> {
        config.buses.push(DEFAULT.to_owned());
        for rule in &config.rules {
            if !config.buses.contains(&rule.bus) {
                bail!("rule {}: {}", rule.name, UnknownBus(rule.bus.clone()));
            }
        }
        Ok(Self(Arc::new(Inner {
            config,
            invoker,
            journal,
            queues,
            faults: Faults::default(),
        })))
    }

    /// The `PutEvents` endpoint.
    pub fn router(&self) -> Router {
        endpoint::router(self.clone())
    }

    /// Orders faults.
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// Publishes an event on the bus named `bus` and gives the event's id.
    ///
    /// # Errors
    /// If there is no such bus.
    pub fn publish(&self, bus: &str, event: &NewEvent) -> Result<String, UnknownBus> {
        if !self.0.config.buses.iter().any(|name| name == bus) {
            return Err(UnknownBus(bus.to_owned()));
        }
        let id = Uuid::new_v4().to_string();
        let event = Self::envelope(&id, event);
        let rules = self.0.config.rules.iter();
        let matching: Vec<&Rule> = rules
            .filter(|rule| rule.bus == bus && rule.pattern.matches(&event))
            .collect();
        self.0.journal.append(Happening::Event {
            bus: bus.to_owned(),
            event: event.clone(),
            targets: matching.iter().map(|rule| rule.function.clone()).collect(),
        });
        for rule in matching {
            self.deliver(rule, &event);
        }
        Ok(id)
    }

    fn deliver(&self, rule: &Rule, event: &Value) {
        if self.0.faults.deliveries.take().is_some() {
            if let Some(queue) = &rule.dead_letter {
                // The body of such a message is the event as the rule got it.
                self.0.queues.send(queue, event.clone());
            }
            return;
        }
        self.0.invoker.send(&rule.function, event.clone());
    }

    /// The event as targets get it.
    fn envelope(id: &str, event: &NewEvent) -> Value {
        json!({
            "version": "0",
            "id": id,
            "detail-type": event.detail_type,
            "source": event.source,
            "account": ACCOUNT,
            // EventBridge has whole seconds here.
            "time": format!("{:.0}", event.time.unwrap_or_else(Timestamp::now)),
            "region": REGION,
            "resources": event.resources,
            "detail": event.detail,
        })
    }
}
