//! Limits on mails, where they leave.

use std::sync::Arc;

use domain::{
    Actor, Result,
    attempt::{AttemptKey, Limit, Scope},
};

use super::{Letter, MailTemplate};
use crate::ports::{Acquisition, Attempts};

/// Limits of a deployment.
#[derive(Debug, Clone, Copy)]
pub struct MailLimits {
    /// Mails of one kind to one address.
    pub per_address: Limit,
    /// Mails which one user, or one client IP, may have sent.
    pub per_asker: Limit,
    /// All mails, an hour.
    pub per_hour: u32,
}

/// Counts every mail before it is written.
///
/// A mail beyond a limit is dropped, and who asked does not learn it: the answer would tell of accounts.
/// A dropped mail takes nothing from the owner of an address. One of the same kind went there within
/// the hour, and what its link may do, it may still do.
#[derive(Clone)]
pub struct MailLimiter {
    /// Where mails are counted.
    pub attempts: Arc<dyn Attempts>,
    pub limits: MailLimits,
}

/// The limit which keeps a mail from being sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MailLimit {
    Address,
    Asker,
    Deployment,
}

impl MailLimit {
    /// The metric of mails that were not sent; the brake of the deployment has one of its own, which is
    /// an alarm.
    pub(super) fn metric(self) -> &'static str {
        match self {
            Self::Address | Self::Asker => "MailDropped",
            Self::Deployment => "MailBrake",
        }
    }
}

impl MailLimiter {
    /// Counts `letter`. Returns the limit that is reached, if one is.
    ///
    /// The asker comes first and is not refunded, so that the tally depends on nothing but what was
    /// asked. The address is refunded if the mail does not leave: only mails that went there may keep
    /// others away.
    pub(super) async fn spend(&self, letter: &Letter<'_>) -> Result<Option<MailLimit>> {
        if let Some(asker) = asker(letter)
            && !self.acquire(&asker, &self.limits.per_asker).await?
        {
            return Ok(Some(MailLimit::Asker));
        }
        let (kind, epoch) = (letter.template.as_str(), epoch(letter));
        let address = AttemptKey::of_mail(kind, epoch, letter.address);
        if !self.acquire(&address, &self.limits.per_address).await? {
            return Ok(Some(MailLimit::Address));
        }
        let deployment = AttemptKey::of_deployment(Scope::Mails);
        if !self.acquire(&deployment, &self.share(letter)).await? {
            self.attempts.refund(&address).await?;
            return Ok(Some(MailLimit::Deployment));
        }
        Ok(None)
    }

    async fn acquire(&self, key: &AttemptKey, limit: &Limit) -> Result<bool> {
        let spent = self.attempts.spend(key, limit).await?;
        Ok(spent == Acquisition::Acquired)
    }

    /// What the deployment may have sent by now if this letter is to leave: half of its mails for
    /// addresses which nobody proved, if a stranger may cause them; four fifths for all but the resets of
    /// proven ones.
    fn share(&self, letter: &Letter<'_>) -> Limit {
        let all = self.limits.per_hour;
        let template = letter.template;
        let by_stranger = letter.event.actor == Actor::Anonymous || template.is_open_to_strangers();
        Limit::hourly(if resets_proven(letter) {
            all
        } else if letter.is_proven() || !by_stranger {
            all - all / 5
        } else {
            all / 2
        })
    }
}

/// The epoch that is part of the counter. In another one the link is void: its owner must get the next at
/// once, whatever was mailed before. No stranger may move it.
fn epoch(letter: &Letter<'_>) -> u64 {
    let Some(user) = letter.user() else {
        return 0;
    };
    match letter.template {
        MailTemplate::Invitation => user.auth_epoch,
        MailTemplate::Recovery => user.recovery_epoch,
        _ if resets_proven(letter) => user.recovery_epoch,
        _ => 0,
    }
}

fn resets_proven(letter: &Letter<'_>) -> bool {
    letter.is_proven() && letter.template.resets()
}

/// The counter of who had the letter sent. None if nobody is to be counted: an administrator acted, the
/// request was counted when it came, or the letter warns the owner of an account, which the person it
/// warns of must not be able to prevent.
fn asker(letter: &Letter<'_>) -> Option<AttemptKey> {
    if letter.template.is_warning() {
        return None;
    }
    match letter.event.actor {
        Actor::User(id) => {
            (letter.event.user_id == Some(id)).then(|| AttemptKey::of_user(Scope::MailAsker, id))
        }
        // A key has limits of its own.
        Actor::ApiKey(_) => None,
        Actor::Anonymous | Actor::System => letter
            .client_ip
            .map(|client_ip| AttemptKey::of_client_ip(Scope::MailAsker, Some(client_ip))),
    }
}
