//! `first-admin`: the first administrator is invited, where nobody may sign up.

use anyhow::{Context as _, bail};
use clap::Args;
use shared::{
    application::{
        first_admin::FirstAdminInvitation, ports::UserRepository as _,
        user_updates::Target as Updated,
    },
    domain::{Authority, Email, Origin, UserId, error::Violation, user::Standing},
};

use crate::target::{Open, Target};

/// Invites the first administrator by mail
#[derive(Debug, Args)]
pub struct FirstAdmin {
    /// E-mail address, the same as the parameter `FirstAdminEmail`; that of `FIRST_ADMIN_EMAIL` in the
    /// environment if nothing is said
    #[arg(long, value_name = "ADDRESS")]
    pub email: Option<String>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it")]
    pub target: Target,
}

const ADDRESS: &str = "FIRST_ADMIN_EMAIL";

impl FirstAdmin {
    /// Makes the invitation, or sends it again. The running deployment mails it. The link is not shown here:
    /// by it alone one becomes the administrator, and terminals and build logs are read by many.
    ///
    /// # Errors
    /// If there is an administrator, somebody else has the address, or the tables do not answer.
    pub async fn run(self) -> anyhow::Result<String> {
        let email = self.email.clone().or_else(|| std::env::var(ADDRESS).ok());
        let email = email.filter(|email| !email.is_empty());
        let email = email.with_context(|| format!("give --email, or set {ADDRESS}"))?;
        let wrong = |violation: Violation| anyhow::anyhow!("--email {}", violation.message);
        let email: Email = email.parse().map_err(wrong)?;
        let open = self.target.open().await?;
        let env = &open.aws.env;
        let id = UserId::new(env.clock.now(), env.random.bytes()?);
        let invitations = open.aws.first_admin_invitations();
        match invitations.invite(id, &email, origin()).await? {
            FirstAdminInvitation::Made => Ok(format!("invited {}: see the mail", email.as_str())),
            FirstAdminInvitation::NotNeeded => bail!("there is an administrator, who may invite"),
            FirstAdminInvitation::Taken(owner) => invite_again(&open, owner, &email).await,
        }
    }
}

fn origin() -> Origin {
    Origin::system("roster first-admin")
}

async fn invite_again(open: &Open, owner: UserId, email: &Email) -> anyhow::Result<String> {
    let user = open.aws.users().find(owner).await?;
    let email = email.as_str();
    if user.is_some_and(|user| user.standing != Standing::Invited) {
        bail!("{email} has an account: ask for a reset of its password, which appoints");
    }
    let target = Updated {
        id: owner,
        expected: None,
        origin: origin(),
        authority: Authority::Admin,
    };
    let updates = open.aws.user_updates();
    updates
        .update(&target, |user, metadata| {
            user.invite_again(metadata).map(Some)
        })
        .await?;
    Ok(format!(
        "invited {email} again: see the mail; the link of before is void"
    ))
}
