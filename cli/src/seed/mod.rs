//! `seed`: fills a local stack with made-up users, to see how it does with many.

mod bulk;
pub mod people;

use std::{sync::Arc, time::Duration};

use adapters::{argon2::Argon2, system::System};
use anyhow::{anyhow, bail};
use clap::Args;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use shared::{
    application::ports::PasswordHasher as _,
    domain::{Password, PasswordHash, error::Violation},
};
use snapshot_directory::snapshot_directory::SnapshotDirectory;

use crate::{
    import::{Outcome, importer, progress},
    record::Record,
    target::Target,
};

/// Fills a local stack with made-up users
#[derive(Debug, Args)]
pub struct Seed {
    /// How many users
    #[arg(long, value_name = "COUNT")]
    pub users: u64,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it")]
    pub target: Target,
    /// Password of each of them
    #[arg(long, default_value = "correct horse battery staple")]
    pub password: String,
}

/// How far a snapshot reads back. Little is enough: no other process writes to the folder.
const OVERLAP: Duration = Duration::from_mins(1);

/// Users written at once.
const AT_ONCE: usize = 32;

impl Seed {
    /// Writes the users. A folder is filled in bulk, a running stack by imports, whose events it then
    /// relays.
    ///
    /// # Errors
    /// If the tables do not answer, or are on AWS.
    pub async fn run(self) -> anyhow::Result<String> {
        if self.target.aws {
            bail!("made-up users belong into a local stack");
        }
        // One for all: a hash takes longer than all else about a user.
        let hasher = Argon2::new(Arc::new(System))?;
        let hash = hasher.hash(&Password::presented(&self.password)).await?;
        let written = match &self.target.data {
            Some(data) => {
                let written = bulk::fill(&self.target.model()?, data, self.users, &hash).await?;
                self.snapshot().await?;
                written
            }
            None => self.import(&hash).await?,
        };
        Ok(format!(
            "{written} users seeded; who is active signs in with the password given"
        ))
    }

    /// Writes the snapshot which the stack would only write in some minutes, so that its first list
    /// need not read the whole feed.
    async fn snapshot(&self) -> anyhow::Result<()> {
        let open = self.target.open().await?;
        let snapshot = SnapshotDirectory {
            feed: open.aws.feed(),
            snapshots: open.aws.snapshots(),
            clock: open.aws.env.clock.clone(),
            overlap: OVERLAP,
            changes: 1,
        };
        snapshot.execute().await?;
        Ok(())
    }

    async fn import(&self, hash: &PasswordHash) -> anyhow::Result<u64> {
        let open = self.target.open().await?;
        let importer = Arc::new(importer(&open.aws).await?);
        let progress = progress(self.users);
        let outcomes = stream::iter(0..self.users).map(|number| {
            let (importer, record) = (importer.clone(), record(number, hash));
            async move {
                let task = tokio::spawn(async move { anyhow::Ok(importer.import(record?).await?) });
                task.await?
            }
        });
        let mut outcomes = outcomes.buffer_unordered(AT_ONCE);
        let mut written = 0;
        while let Some(outcome) = outcomes.try_next().await? {
            written += u64::from(outcome == Outcome::Written);
            progress.inc(1);
        }
        progress.finish_and_clear();
        Ok(written)
    }
}

/// The user with this number, as a line of a file would have it.
fn record(number: u64, hash: &PasswordHash) -> anyhow::Result<Record> {
    let wrong = |violation: Violation| anyhow!("user {number} {}", violation.message);
    let person = people::person(number).map_err(wrong)?;
    Ok(Record {
        id: Some(person.id),
        email: person.email,
        email_verified: person.email_verified,
        name: person.name,
        password: Some(hash.clone()),
        identities: [].into(),
        roles: person.roles,
        active: person.active,
        created_at: Some(person.created_at),
    })
}
