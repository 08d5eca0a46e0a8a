//! `seed`: fills a local stack with users who are not, to see how it does with many.

mod bulk;
pub mod people;

use std::sync::Arc;

use anyhow::{anyhow, bail};
use clap::Args;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use shared::{
    adapters::{argon2::Argon2, system::System},
    domain::{Password, PasswordHash, error::Violation},
    ports::PasswordHasher as _,
};

use super::{
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
            bail!("users who are not belong into a local stack");
        }
        // One for all: a hash takes longer than all else about a user.
        let hasher = Argon2::new(Arc::new(System))?;
        let hash = hasher.hash(&Password::presented(&self.password)).await?;
        let written = match &self.target.data {
            Some(data) => bulk::fill(&self.target.model()?, data, self.users, &hash).await?,
            None => self.import(&hash).await?,
        };
        Ok(format!(
            "{written} users seeded, who sign in with the password given"
        ))
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
