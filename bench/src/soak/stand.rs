//! The stack that is soaked.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use cli::Redrive;
use local::{
    journal::{Entry, Happening, Mail},
    stack::Running,
};
use reqwest::Method;
use serde_json::json;

use super::{
    account::Failure,
    client::{Client, Request},
    receiver::Receiver,
};
use crate::stack::{self, ADMIN, PASSWORD};

/// A running stack, its administrator, and the service that is told of users.
pub(crate) struct Stand {
    pub(crate) running: Running,
    pub(crate) client: Client,
    pub(crate) receiver: Receiver,
    redriven: AtomicUsize,
}

/// How long what was accepted may take after the last failure.
const DRAINED_WITHIN: Duration = Duration::from_mins(8);

const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// The queue of deliveries, by its logical id.
const DELIVERIES: &str = "Deliveries";

impl Stand {
    pub(crate) async fn start(seed: u64) -> anyhow::Result<Self> {
        let running = stack::start().await?;
        let client = Client::new(&running.api_url);
        let token = sign_in_admin(&client).await?;
        let receiver = Receiver::start(&running.api_url, &token, seed).await?;
        Ok(Self {
            running,
            client,
            receiver,
            redriven: AtomicUsize::new(0),
        })
    }

    /// An access token of the administrator.
    pub(crate) async fn admin(&self) -> anyhow::Result<String> {
        sign_in_admin(&self.client).await
    }

    /// How many dead letters were sent again.
    pub(crate) fn redriven(&self) -> usize {
        self.redriven.load(Ordering::Relaxed)
    }

    /// Where the journal ends.
    pub(crate) fn position(&self) -> usize {
        let entries = self.running.journal.since(0);
        entries.last().map_or(0, |entry| entry.sequence + 1)
    }

    /// The token of a link to `page` in the first mail to `email` after `position`.
    pub(crate) async fn link(
        &self,
        email: &str,
        page: &str,
        position: usize,
    ) -> Result<String, Failure> {
        let wanted = |entry: &Entry| match &entry.happening {
            Happening::Mail { mail } if mail.to.iter().any(|to| to == email) => token(mail, page),
            _ => None,
        };
        let found = self.running.journal.wait_for(position, wanted);
        let found = tokio::time::timeout(DRAINED_WITHIN, found).await;
        found.map_err(|_| Failure(format!("no mail to {email} with a link to {page}")))
    }

    /// Waits until all that was accepted is done: streams, observers, deliveries, and what observers gave up,
    /// which an operator sends again. What killed workers left of the deliveries would come after minutes:
    /// nobody waits for that.
    pub(crate) async fn drain(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + DRAINED_WITHIN;
        let mut quiet = 0;
        while quiet < 3 {
            if Instant::now() >= deadline {
                bail!("not within {DRAINED_WITHIN:?}: {:?} wait", self.waiting());
            }
            let before = self.position();
            self.running.services.mappings.idle().await;
            self.running.lambda.settled().await;
            tokio::time::sleep(LOOK_AGAIN).await;
            self.running.services.queues.end_timeouts(DELIVERIES);
            self.redrive().await?;
            let still = self.waiting() == 0 && self.position() == before;
            quiet = if still { quiet + 1 } else { 0 };
        }
        Ok(())
    }

    /// Hands dead letters to their observers again, by the command for it.
    async fn redrive(&self) -> anyhow::Result<()> {
        for queue in self.running.model.queues.keys() {
            let waiting = self.running.services.queues.counts(queue).visible;
            if !queue.ends_with("Failures") || waiting == 0 {
                continue;
            }
            let redrive = Redrive {
                queue: queue.clone(),
                console: self.running.console_url.clone(),
                aws: false,
                stack: String::new(),
            };
            redrive.run().await?;
            self.redriven.fetch_add(waiting, Ordering::Relaxed);
        }
        Ok(())
    }

    /// The queues in which dead letters wait still.
    pub(crate) fn dead(&self) -> Vec<&str> {
        let queues = self.running.model.queues.keys();
        let dead = queues.filter(|queue| {
            queue.as_str() != DELIVERIES && self.running.services.queues.counts(queue).visible > 0
        });
        dead.map(String::as_str).collect()
    }

    /// How many deliveries wait.
    fn waiting(&self) -> usize {
        let counts = self.running.services.queues.counts(DELIVERIES);
        counts.visible + counts.in_flight + counts.delayed
    }
}

async fn sign_in_admin(client: &Client) -> anyhow::Result<String> {
    let request =
        Request::new(Method::POST, "/sessions").json(json!({"email": ADMIN, "password": PASSWORD}));
    let answer = client.send(&request).await?;
    let token = answer.body["accessToken"].as_str();
    Ok(token
        .context("the administrator cannot sign in")?
        .to_owned())
}

fn token(mail: &Mail, page: &str) -> Option<String> {
    let text = mail.text.as_deref()?;
    let (_, rest) = text.split_once(&format!("/{page}#token="))?;
    let end = rest.find(|c: char| c == '&' || c.is_whitespace());
    Some(rest[..end.unwrap_or(rest.len())].to_owned())
}
