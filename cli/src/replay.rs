//! `replay`: events that an outage lost are published again.
//!
//! The streams of the tables keep a record for 24 hours. What was not published by then is in the history of
//! its user for good: each version with its event. Observers know an event by its id, so one that was not
//! lost changes nothing.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc, time::Duration};

use anyhow::bail;
use clap::Args;
use futures::TryStreamExt as _;
use indicatif::ProgressBar;
use publish_events::publish_events::PublishEvents;
use shared::{
    application::{
        mail,
        ports::{Env, EventBus, UserRepository},
    },
    directory::{feed, ports::UserFeed},
    domain::{DomainEvent, Timestamp, UserId, error::Violation},
};

use crate::{
    import::progress,
    target::{Open, Target, connect_tables},
};

/// Publishes events of users again, which an outage of more than a day lost. Without `--publish` it says
/// which those are
#[derive(Debug, Args)]
pub struct Replay {
    /// Only events of this user; may be given several times
    #[arg(long = "user", value_name = "ID", value_parser = value::<UserId>)]
    pub users: Vec<UserId>,
    /// Only events since this time, such as 2026-11-29T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = value::<Timestamp>, required_unless_present = "users")]
    pub since: Option<Timestamp>,
    /// Only events before this time
    #[arg(long, value_name = "TIME", value_parser = value::<Timestamp>)]
    pub until: Option<Timestamp>,
    /// Publish them
    #[arg(long)]
    pub publish: bool,
    /// Console of the local stack, which takes the events
    #[arg(long, value_name = "URL", default_value = "http://localhost:3001")]
    pub console: String,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it")]
    pub target: Target,
}

/// Older events would be news to the mail ledger, and their mails go out twice. A day for clocks and for
/// what takes its time.
const OLDEST: Duration = mail::RETENTION.saturating_sub(Duration::from_hours(24));

/// Entries of a history read at once.
const PAGE: usize = 100;

/// Events between two steps of the bar.
const STEP: usize = 10;

fn value<T: std::str::FromStr<Err = Violation>>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|violation: Violation| violation.message)
}

impl Replay {
    /// Publishes the events, or says which they are.
    ///
    /// # Errors
    /// If an event is too old, the tables do not answer, or the bus refuses events.
    pub async fn run(self) -> anyhow::Result<String> {
        if self.target.data.is_some() {
            bail!("there is no bus in a folder: start the stack with it, and leave --data out");
        }
        let open = self.target.open().await?;
        let env = open.aws.env.clone();
        let now = env.clock.now();
        let window = Window {
            since: self.since.unwrap_or_else(|| now.minus(OLDEST)),
            until: self.until.unwrap_or(now),
        };
        if window.since < now.minus(OLDEST) {
            bail!(
                "--since is more than {} days ago: mails would go out again",
                days(OLDEST)
            );
        }
        let lost = Lost {
            users: open.aws.users(),
            feed: open.aws.feed(),
        };
        let users = match self.users.as_slice() {
            [] => lost.changed(window).await?,
            users => users.to_vec(),
        };
        let bar = progress(users.len() as u64);
        let mut events = Vec::new();
        for user in &users {
            events.extend(lost.events_of(*user, window).await?);
            bar.inc(1);
        }
        bar.finish_and_clear();
        if !self.publish {
            let found = summary(&events, users.len());
            return Ok(format!("would publish {found}; do so with --publish"));
        }
        let bus = self.bus(&open)?;
        publish(bus, env, &events).await?;
        Ok(format!("published {}", summary(&events, users.len())))
    }

    fn bus(&self, open: &Open) -> anyhow::Result<Arc<dyn EventBus>> {
        if self.target.aws {
            return Ok(open.aws.event_bus());
        }
        let local = connect_tables(&self.console, &self.target.model()?)?;
        Ok(local.event_bus())
    }
}

/// Times from the first on, before the second.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    pub since: Timestamp,
    pub until: Timestamp,
}

/// Finds what was lost.
pub struct Lost {
    pub users: Arc<dyn UserRepository>,
    pub feed: Arc<dyn UserFeed>,
}

impl Lost {
    /// Users who changed in this time, or later.
    ///
    /// # Errors
    /// If the feed cannot be read.
    pub async fn changed(&self, window: Window) -> anyhow::Result<Vec<UserId>> {
        let rows = feed::changed_since(&*self.feed, window.since);
        Ok(rows.map_ok(|row| row.id()).try_collect().await?)
    }

    /// The events of a user in this time, oldest first.
    ///
    /// # Errors
    /// If the history cannot be read.
    pub async fn events_of(
        &self,
        user: UserId,
        window: Window,
    ) -> anyhow::Result<Vec<DomainEvent>> {
        let (mut events, mut after) = (Vec::new(), None);
        loop {
            let page = self.users.history(user, after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(events);
            };
            after = last.event.version;
            let wanted = page.into_iter().map(|entry| entry.event);
            events.extend(
                wanted.filter(|event| window.since <= event.time && event.time < window.until),
            );
        }
    }
}

/// Publishes events with the ids they have. May be repeated.
///
/// # Errors
/// If the bus keeps refusing one; those before it are published.
pub async fn publish(
    bus: Arc<dyn EventBus>,
    env: Env,
    events: &[DomainEvent],
) -> anyhow::Result<()> {
    let relay = PublishEvents { bus, env };
    let bar: ProgressBar = progress(events.len() as u64);
    let mut published = 0;
    for step in events.chunks(STEP) {
        let taken = relay.execute(step).await?;
        published += taken;
        bar.inc(taken as u64);
        if taken < step.len() {
            bar.abandon();
            let all = events.len();
            bail!("the bus took {published} of {all} events; run it again, which doubles nothing");
        }
    }
    bar.finish_and_clear();
    Ok(())
}

/// Such as `3 events of 2 users: UserCreated 2, UserUpdated 1`.
fn summary(events: &[DomainEvent], users: usize) -> String {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for event in events {
        *kinds.entry(event.kind.as_str()).or_default() += 1;
    }
    let mut text = format!("{} events of {users} users", events.len());
    for (number, (kind, count)) in kinds.iter().enumerate() {
        let before = if number == 0 { ": " } else { ", " };
        let _infallible = write!(text, "{before}{kind} {count}");
    }
    text
}

fn days(span: Duration) -> u64 {
    span.as_secs() / Duration::from_hours(24).as_secs()
}
