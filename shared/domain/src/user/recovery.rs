//! How an administrator has a user choose another password.

use super::{Change, Standing, User};
use crate::{EventKind, LoginKey, Refusal, Result, event::EventMetadata, login::LoginChange};

impl User {
    /// Begins a recovery on behalf of the user. Nothing of before is left that lets anybody in: the
    /// password is gone, every session and link is void, every external identity is unlinked. Only a
    /// link to the address lets the user choose another password.
    ///
    /// # Errors
    /// `InvitationOpen` if the user never had a way to sign in.
    pub fn start_recovery(&self, metadata: &EventMetadata) -> Result<Change> {
        if self.standing == Standing::Invited {
            return Err(Refusal::InvitationOpen.into());
        }
        let own = LoginKey::Email(self.email.clone());
        let mut after = self.next_epoch().voiding_resets().with_new_password();
        let mut logins = vec![LoginChange::RemovePassword(own.clone())];
        let identities = after.logins.extract_if(.., |login| *login != own);
        logins.extend(identities.map(LoginChange::Release));
        let changed: &[&str] = if logins.len() > 1 {
            &["password", "identities"]
        } else {
            &["password"]
        };
        let kind = EventKind::UserRecoveryStarted;
        Ok(Change::update(self, after, kind, changed, logins, metadata))
    }
}
