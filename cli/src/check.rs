//! `check`: whether users and their logins fit together, as they do unless a table was restored, or written
//! to by other means.

mod census;
mod finding;

use adapters::dynamodb::users::Upkeep;
use anyhow::{Context as _, bail};
use clap::Args;
use indicatif::ProgressBar;

use self::{census::Census, finding::Mended};
use crate::target::Target;

/// Checks that users and their logins fit together, as after a restore they may not. With `--repair` it
/// mends what can be mended in one way only
#[derive(Debug, Args)]
pub struct Check {
    /// Mend what has one right answer
    #[arg(long)]
    pub repair: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it")]
    pub target: Target,
}

impl Check {
    /// Says what was found, or mended.
    ///
    /// # Errors
    /// If something wrong is left, or the tables do not answer.
    pub async fn run(self) -> anyhow::Result<String> {
        let open = self.target.open().await?;
        let upkeep = open.aws.upkeep();
        let census = take_census(&upkeep).await?;
        let mut lines = Vec::new();
        let mut left = 0;
        let mut repairable = 0;
        for suspicion in census.suspicions() {
            // Looked at anew: the table may have been written to while it was read.
            let Some(finding) = suspicion.judge(&upkeep, &census).await? else {
                continue;
            };
            repairable += usize::from(finding.can_be_mended());
            let outcome = if self.repair {
                finding.mend(&upkeep).await.context("mending")?
            } else {
                Mended::No
            };
            left += usize::from(outcome != Mended::Yes);
            lines.push(format!("{}{finding}", outcome.mark()));
        }
        let (users, logins) = (census.users(), census.logins());
        let checked = format!("checked {users} users and {logins} logins");
        let report = lines.join("\n");
        match (lines.len(), left) {
            (0, _) => Ok(format!("{checked}: they fit together")),
            (mended, 0) => Ok(format!("{report}\n{checked}: mended {mended}")),
            (_, left) if self.repair => {
                bail!("{checked}: {left} are left\n{report}")
            }
            (found, _) => bail!(
                "{checked}: {found} do not fit, {repairable} of which --repair can mend\n{report}"
            ),
        }
    }
}

async fn take_census(upkeep: &Upkeep) -> anyhow::Result<Census> {
    let progress = ProgressBar::new_spinner();
    let (mut census, mut after) = (Census::default(), None);
    loop {
        let (found, next) = upkeep.page(after).await?;
        for item in found {
            census.add(item);
        }
        progress.set_message(format!("{} users", census.users()));
        progress.tick();
        after = next;
        if after.is_none() {
            progress.finish_and_clear();
            return Ok(census);
        }
    }
}
