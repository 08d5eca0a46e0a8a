//! The local stack's DynamoDB with the tables of the template, and what the functions do there.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use adapters::composition::Ports;
use anyhow::Context as _;
use local::{
    dynamodb::{Capacity, Dynamo},
    template::{Overrides, Template},
};
use shared::{
    application::ports::UserRepository,
    directory::{ports::UserDirectory as _, query::UserQuery, service::Directory},
    domain::{
        Origin, PasswordHash, Roles, User, UserId,
        error::Violation,
        user::{NewUser, Profile},
    },
};
use snapshot_directory::snapshot_directory::{Outcome, SnapshotDirectory};

use super::feed::Feed;
use crate::timing::Timings;

/// Calls of a warm process.
const CALLS: usize = 51;

/// New users, each looked for at once.
const WRITES: usize = 21;

pub(crate) struct Stand {
    dynamo: Dynamo,
    aws: Ports,
}

/// What calls of a warm process cost.
pub(crate) struct Warm {
    pub(crate) timings: Timings,
    pub(crate) requests: usize,
    /// Read units of one call.
    pub(crate) read: f64,
}

impl Stand {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let template = include_str!("../../../template.yaml");
        let model = Template::parse(template)?.resolve(&Overrides::new())?;
        let dynamo = cli::serve_tables(&model, None).await?;
        let aws = cli::connect_tables(&dynamo.url(), &model)?;
        Ok(Self { dynamo, aws })
    }

    /// Writes a snapshot of these users. Gives how long it took.
    pub(crate) async fn snapshot(&self, users: Vec<Profile>) -> anyhow::Result<Duration> {
        let snapshot = SnapshotDirectory {
            feed: Arc::new(Feed::of(users)),
            snapshots: self.aws.snapshots(),
            clock: self.aws.env.clock.clone(),
            overlap: Duration::from_mins(10),
            changes: 1,
        };
        let started = Instant::now();
        match snapshot.execute().await? {
            Outcome::Written { .. } => Ok(started.elapsed()),
            other => anyhow::bail!("no snapshot: {other:?}"),
        }
    }

    /// A new process with its first answer, and how long that took.
    pub(crate) async fn cold(&self) -> anyhow::Result<(Directory, Duration)> {
        let directory = self.aws.directory(Duration::from_secs(30));
        let directory = Arc::into_inner(directory).context("it is shared")?;
        let started = Instant::now();
        directory.list(&UserQuery::default()).await?;
        Ok((directory, started.elapsed()))
    }

    /// A warm process answers again and again.
    pub(crate) async fn warm(&self, directory: &Directory) -> anyhow::Result<Warm> {
        let calls = self.dynamo.calls();
        let before = calls.position();
        let mut timings = Timings::default();
        for _ in 0..CALLS {
            let started = Instant::now();
            directory.list(&UserQuery::default()).await?;
            timings.add(started.elapsed());
        }
        let made = calls.since(before);
        let mut capacity = Capacity::default();
        for call in &made {
            capacity += call.capacity;
        }
        #[expect(clippy::cast_precision_loss, reason = "few calls")]
        let read = capacity.read / CALLS as f64;
        Ok(Warm {
            timings,
            requests: made.len() / CALLS,
            read,
        })
    }

    /// How long after a sign-up was accepted a list shows it.
    pub(crate) async fn fresh_write(&self, directory: &Directory) -> anyhow::Result<Timings> {
        let users = self.aws.users();
        let mut timings = Timings::default();
        for number in 0..WRITES {
            let id = self.sign_up(&*users, number).await?;
            let started = Instant::now();
            while !shows(directory, id).await? {}
            timings.add(started.elapsed());
        }
        Ok(timings)
    }

    async fn sign_up(&self, users: &dyn UserRepository, number: usize) -> anyhow::Result<UserId> {
        let env = &self.aws.env;
        let metadata = env.metadata(Origin::system("bench"))?;
        let wrong = |violation: Violation| anyhow::anyhow!(violation.message);
        let new = NewUser {
            id: UserId::new(metadata.now, env.random.bytes()?),
            email: format!("fresh{number}@example.com")
                .parse()
                .map_err(wrong)?,
            name: "Ann Example".parse().map_err(wrong)?,
            password: PasswordHash::from_phc("$argon2id$none"),
            roles: Roles::new(),
        };
        Ok(users.commit(&User::create(new, &metadata)).await?.id)
    }
}

/// Whether the newest users are shown with this one among them.
async fn shows(directory: &Directory, id: UserId) -> anyhow::Result<bool> {
    let page = directory.list(&UserQuery::default()).await?;
    Ok(page.users.iter().any(|user| user.id == id))
}
