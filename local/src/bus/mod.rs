//! The event buses: rules match events and hand them to functions as asynchronous invocations.
//!
//! # Where it differs from `EventBridge`
//! - An event reaches its targets at once and in the order of the rules.
//! - A delivery to a target cannot fail, so the dead-letter queue of a rule stays empty.
//! - A trace header is dropped: here is no X-Ray.
//! - Every caller may publish, under any source but `aws.*`.

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
    invoke::SharedInvoker,
    journal::{Happening, Journal},
    template::{ACCOUNT, DEFAULT_BUS, REGION, Rule},
};

/// An event to publish.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NewEvent {
    pub(crate) source: String,
    pub(crate) detail_type: String,
    pub(crate) detail: Value,
    pub(crate) resources: Vec<String>,
    /// The time of publication if the publisher does not say.
    pub(crate) time: Option<Timestamp>,
}

/// The buses. Clones share everything.
#[derive(Clone)]
pub(crate) struct Bus(Arc<Inner>);

struct Inner {
    buses: Vec<String>,
    rules: Vec<Rule>,
    invoker: SharedInvoker,
    journal: Journal,
}

impl Bus {
    /// The buses with these names, beside [`DEFAULT_BUS`], and the rules of all of them.
    ///
    /// # Errors
    /// If a rule is on a bus that does not exist.
    pub(crate) fn new(
        mut buses: Vec<String>,
        rules: Vec<Rule>,
        invoker: SharedInvoker,
        journal: Journal,
    ) -> anyhow::Result<Self> {
        buses.push(DEFAULT_BUS.to_owned());
        if let Some(Rule { name, bus, .. }) = rules.iter().find(|rule| !buses.contains(&rule.bus)) {
            bail!("rule {name}: there is no event bus {bus}");
        }
        Ok(Self(Arc::new(Inner {
            buses,
            rules,
            invoker,
            journal,
        })))
    }

    /// The `PutEvents` endpoint.
    pub(crate) fn router(&self) -> Router {
        endpoint::router(self.clone())
    }

    /// Publishes an event on the bus named `bus` and gives the event's id, unless there is no such
    /// bus.
    pub(crate) fn publish(&self, bus: &str, event: &NewEvent) -> Option<String> {
        if !self.0.buses.iter().any(|name| name == bus) {
            return None;
        }
        let id = Uuid::new_v4().to_string();
        let event = Self::envelope(&id, event);
        let rules = self.0.rules.iter();
        let functions: Vec<String> = rules
            .filter(|rule| rule.bus == bus && rule.pattern.matches(&event))
            .map(|rule| rule.function.clone())
            .collect();
        self.0.journal.append(Happening::Event {
            bus: bus.to_owned(),
            event: event.clone(),
            targets: functions.clone(),
        });
        for function in functions {
            self.0.invoker.send(&function, event.clone());
        }
        Some(id)
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
