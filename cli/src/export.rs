//! `export`: every user with the hash of the password, so that a deployment can be left.

use std::{
    collections::HashSet,
    fs::{File, OpenOptions},
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
};

use adapters::dynamodb::Users;
use anyhow::{Context as _, bail};
use clap::Args;
use futures::TryStreamExt as _;
use indicatif::ProgressBar;
use shared::{
    application::ports::UserRepository as _,
    directory::{Specification, feed},
    domain::{LoginKey, UserId, error::Violation},
};

use crate::{record::Record, target::Target};

/// Exports every user, with the hash of the password, as a file which `import` reads
#[derive(Debug, Args)]
pub struct Export {
    /// File to write; must not be there
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it")]
    pub target: Target,
    /// Only users who satisfy this SCIM filter, such as 'active eq true and email ew "@example.com"'
    #[arg(long, value_name = "FILTER", value_parser = specification)]
    pub filter: Option<Specification>,
    /// Users read at once
    #[arg(long, value_name = "COUNT", default_value_t = 32)]
    pub at_once: usize,
}

/// How often a user is read anew whose address changed between two reads.
const ATTEMPTS: usize = 5;

impl Export {
    /// Writes the file and says how many users it has.
    ///
    /// # Errors
    /// If the file is there or cannot be written, or the tables do not answer. Then there is no
    /// file, but perhaps one called `FILE.part`.
    pub async fn run(self) -> anyhow::Result<String> {
        let shown = self.file.display();
        if self.file.exists() {
            bail!("{shown} is there already");
        }
        let mut part = self.file.clone().into_os_string();
        part.push(".part");
        let count = self.export(Path::new(&part)).await?;
        std::fs::rename(&part, &self.file).with_context(|| format!("cannot write {shown}"))?;
        Ok(format!(
            "exported {count} users to {shown}, with the hashes of their passwords: keep it secret"
        ))
    }

    async fn export(&self, part: &Path) -> anyhow::Result<u64> {
        let file = create(part).with_context(|| format!("cannot write {}", part.display()))?;
        let mut file = BufWriter::new(file);
        let open = self.target.open().await?;
        let (users, feed) = (open.aws.users(), open.aws.feed());
        let all = Specification::All(Vec::new());
        let wanted = self.filter.as_ref().unwrap_or(&all);
        let progress = ProgressBar::new_spinner();
        let mut seen = HashSet::new();
        let records = feed::matching(&*feed, wanted)
            // One that changes meanwhile comes again.
            .try_filter(|user| std::future::ready(seen.insert(user.id)))
            .map_ok(|user| record(&users, user.id, wanted))
            .try_buffered(self.at_once.max(1));
        let mut records = std::pin::pin!(records);
        let mut count = 0;
        while let Some(record) = records.try_next().await? {
            // None, if the user was erased since the feed was read, or is another now.
            if let Some(record) = record {
                writeln!(file, "{}", record.write()?)?;
                count += 1;
                progress.set_message(format!("{count} users"));
                progress.tick();
            }
        }
        let file = file.into_inner()?;
        file.sync_all()?;
        progress.finish_and_clear();
        Ok(count)
    }
}

/// What a filter says.
fn specification(raw: &str) -> Result<Specification, String> {
    raw.parse()
        .map_err(|violation: Violation| violation.message)
}

/// The user as the table has it now, if that is one of those wanted.
async fn record(
    users: &Users,
    id: UserId,
    wanted: &Specification,
) -> shared::domain::Result<Option<Record>> {
    for _ in 0..ATTEMPTS {
        let user = users.find(id).await?;
        let Some(user) = user.filter(|user| wanted.is_satisfied_by(&user.profile())) else {
            return Ok(None);
        };
        let login = users
            .find_login(&LoginKey::Email(user.email.clone()))
            .await?;
        if let Some(login) = login.filter(|login| login.user_id == id) {
            return Ok(Some(Record::of(user, login.password)));
        }
    }
    Err(shared::domain::Error::internal(format!(
        "user {id} does not have the login of the address"
    )))
}

/// A new file which only its owner may read.
fn create(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
