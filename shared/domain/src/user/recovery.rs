//! How an account is recovered, by its owner or on the owner's behalf.

use super::{Change, Draft, Standing, User};
use crate::{EventKind, LoginKey, Refusal, Result, event::EventMetadata, login::LoginChange};

/// Recoveries of one user, an hour.
const RECOVERIES: usize = 3;

impl User {
    /// Begins a recovery on behalf of the user. Nothing of before is left that lets anybody in: the
    /// password is gone, every session and link is void, every external identity is unlinked, and none
    /// comes back before the user has chosen another password by a link to the address.
    ///
    /// # Errors
    /// `InvitationOpen` if the user never had a way to sign in; `TooManyRequests` within a minute after the
    /// last recovery, and after three within an hour.
    pub fn start_recovery(&self, metadata: &EventMetadata) -> Result<Change> {
        if self.standing == Standing::Invited {
            return Err(Refusal::InvitationOpen.into());
        }
        let links_sent_at = self.one_more_link(RECOVERIES, metadata.now)?;
        let (after, logins, changed) = self.next_recovery(LoginChange::RemovePassword);
        let after = Draft {
            links_sent_at,
            ..after
        };
        let kind = EventKind::UserRecoveryStarted;
        Ok(Change::update(
            self, after, kind, &changed, logins, metadata,
        ))
    }

    /// The next version, in which nothing of before lets anybody in: `password` replaces or removes the
    /// one there is, every session and link is void, every external identity is unlinked. With it what
    /// becomes of the logins, and the fields that differ.
    pub(super) fn next_recovery(
        &self,
        password: impl FnOnce(LoginKey) -> LoginChange,
    ) -> (Draft, Vec<LoginChange>, Vec<&'static str>) {
        let own = LoginKey::Email(self.email.clone());
        let mut after = self.next_epoch().voiding_resets().with_new_password();
        let mut logins = vec![password(own.clone())];
        // Until there is a password again.
        after.recovering = matches!(logins[..], [LoginChange::RemovePassword(_)]);
        let mut changed = vec!["password"];
        let identities = after.logins.extract_if(.., |login| *login != own);
        logins.extend(identities.map(LoginChange::Release));
        if logins.len() > 1 {
            changed.push("identities");
        }
        (after, logins, changed)
    }
}
