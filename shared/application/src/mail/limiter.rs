//! Limits on mails, where they leave.

use std::{sync::Arc, time::Duration};

use domain::{
    Actor, DeploymentEpoch, EventId, EventKind, Result,
    attempt::{AttemptKey, Limit, Scope},
};

use super::{Letter, MailTemplate};
use crate::ports::{Acquisition, Attempts};

/// Limits of a deployment.
#[derive(Debug, Clone, Copy)]
pub struct MailLimits {
    /// Mails of one kind to one address which one asker had sent, an hour.
    pub per_address: u32,
    /// The time between two mails of one kind to one address with the same link, or without one.
    pub interval: Duration,
    /// Mails which one user, or one client IP, may have sent.
    pub per_asker: Limit,
    /// All mails, an hour.
    pub per_hour: u32,
}

/// So many askers may have sent as many mails of one kind to one address as each of them may. Of more, some
/// are dropped.
const ASKERS: u32 = 3;

/// Counts every mail before it is written.
///
/// A mail beyond a limit is dropped, and who asked does not learn it: the answer would tell of accounts.
/// No stranger uses up what the owner of an address may have sent: each asker has a count, and what waits
/// is only the link that was mailed already.
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
    pub(super) const ALL: [Self; 3] = [Self::Address, Self::Asker, Self::Deployment];

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
    /// Counts `letter`, which carries the link of `seed`. Returns the limit that is reached, if one is.
    ///
    /// The asker comes first and is not refunded, so that the tally depends on nothing but what was
    /// asked. The rest is refunded if the mail does not leave: only mails that went there may keep others
    /// away.
    pub(super) async fn spend(
        &self,
        letter: &Letter<'_>,
        seed: Option<EventId>,
        epoch: DeploymentEpoch,
    ) -> Result<Option<MailLimit>> {
        if let Some(asker) = asker(letter)
            && !self.acquire(&asker, &self.limits.per_asker).await?
        {
            return Ok(Some(MailLimit::Asker));
        }
        let deployment = AttemptKey::of_deployment(Scope::Mails);
        let deployment = (deployment, self.share(letter), MailLimit::Deployment);
        let mut spent = Vec::new();
        let counters = self.to_address(letter, seed, epoch).into_iter();
        let counters = counters.map(|(key, limit)| (key, limit, MailLimit::Address));
        for (key, limit, reached) in counters.chain([deployment]) {
            if !self.acquire(&key, &limit).await? {
                for key in &spent {
                    self.attempts.refund(key).await?;
                }
                return Ok(Some(reached));
            }
            spent.push(key);
        }
        Ok(None)
    }

    /// The counters of the address. None for a warning: the owner must get each, whatever was mailed before,
    /// and what it warns of has a limit of its own. Of new devices the owner hears once a day.
    fn to_address(
        &self,
        letter: &Letter<'_>,
        seed: Option<EventId>,
        deployment: DeploymentEpoch,
    ) -> Vec<(AttemptKey, Limit)> {
        let MailLimits {
            per_address,
            interval,
            ..
        } = self.limits;
        let epoch = epoch(letter).saturating_add(deployment.number());
        let all = AttemptKey::of_mail(letter.template.as_str(), epoch, letter.address);
        match letter.template {
            MailTemplate::NewDevice => vec![(all, Limit::daily(1))],
            template if template.is_warning() => Vec::new(),
            _ => {
                let link = match seed {
                    Some(seed) => all.part(seed),
                    None => all.part("no link"),
                };
                vec![
                    (link, Limit::spaced(interval, u32::MAX)),
                    (all.part(origin(letter)), Limit::hourly(per_address)),
                    (all, Limit::hourly(per_address.saturating_mul(ASKERS))),
                ]
            }
        }
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

/// Who had the letter sent: where the request came from, if it was made without an account, or who made it.
fn origin(letter: &Letter<'_>) -> String {
    match letter.client_ip {
        Some(client_ip) => {
            let counter = AttemptKey::of_client_ip(Scope::MailAsker, Some(client_ip));
            counter.subject().to_owned()
        }
        None => letter.event.actor.to_string(),
    }
}

/// The counter of all that the asker had sent. None if nobody is to be counted: an administrator acted, the
/// request was counted when it came, or the letter warns the owner of an account, which the person it
/// warns of must not be able to prevent.
fn asker(letter: &Letter<'_>) -> Option<AttemptKey> {
    // For every address alike: a tally of mails would tell which addresses have accounts.
    let was_counted = matches!(
        letter.event.kind,
        EventKind::UserPasswordResetRequested | EventKind::UserEmailVerificationRequested
    );
    if was_counted || letter.template.is_warning() {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metric_of_each_limit_is_one_that_operators_read_of() {
        let operations = include_str!("../../../../docs/operations.md");
        for limit in MailLimit::ALL {
            let metric = limit.metric();
            let is_read_of = operations.contains(&format!("`{metric}`"));
            assert!(is_read_of && !metric.is_empty(), "{metric}");
        }
    }
}
