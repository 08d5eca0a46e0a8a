//! The open invitations of a [`FakeBackend`].

use application::ports::{Clock as _, InvitationPage, Invitations};
use async_trait::async_trait;
use domain::{Result, UserId, user::Invitation};

use super::FakeBackend;

#[async_trait]
impl Invitations for FakeBackend {
    async fn note(&self, invitation: &Invitation) -> Result<()> {
        self.call("invitations.note", |state| {
            let there = state.invitations.get(&invitation.user_id);
            if there.is_none_or(|there| there.sent_at < invitation.sent_at) {
                let id = invitation.user_id;
                state.invitations.insert(id, invitation.clone());
            }
            Ok(())
        })
        .await
    }

    async fn list(&self, after: Option<UserId>, limit: usize) -> Result<InvitationPage> {
        let now = self.now();
        self.call("invitations.list", |state| {
            let newest_first = state.invitations.values().rev();
            let rest = newest_first.filter(|each| after.is_none_or(|after| each.user_id < after));
            let page: Vec<_> = rest.take(limit).cloned().collect();
            let last = page.last().map(|invitation| invitation.user_id);
            Ok(InvitationPage {
                next: last.filter(|_| page.len() == limit),
                invitations: page
                    .into_iter()
                    .filter(|invitation| invitation.expires_at > now)
                    .collect(),
            })
        })
        .await
    }
}
