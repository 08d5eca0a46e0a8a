//! The use case: who asked for another password gets a link, if there is an account. The first
//! administrator is invited, where nobody else could be.

use std::time::Duration;

use shared::{
    application::{
        first_admin::{FirstAdminInvitation, FirstAdminInvitations},
        mail::{MailTemplate, RequestResponder},
    },
    domain::{
        DomainEvent, FirstAdmin, Origin, Result, User, UserId,
        request::{AnonymousRequest, RequestKind},
        sign_up::SignUpPolicy,
        user::Standing,
    },
};

/// Mails links with which to choose another password.
pub struct OnPasswordResetRequested {
    /// Answers the requests.
    pub responder: RequestResponder,
    /// Where administrators alone make users, somebody must invite the first one.
    pub policy: SignUpPolicy,
    pub first_admin: FirstAdmin,
    pub invitations: FirstAdminInvitations,
}

impl OnPasswordResetRequested {
    /// Mails the link, once however often the event comes, and forgets the request. An address
    /// without an active account gets nothing, but for that of the first administrator: it is invited, or
    /// gets its invitation again.
    pub async fn execute(&self, event: &DomainEvent, remaining: Duration) -> Result<()> {
        let Some(request) = self.responder.request(event).await? else {
            return Ok(());
        };
        // Bears the id of the request: a repetition of the event knows its own invitation, which is mailed
        // because of another event.
        let own = UserId::from(request.id.as_uuid());
        let is_first = self.invite(own, &request, event).await?;
        let choose = |user: &User| match user.standing {
            _ if request.kind != RequestKind::PasswordReset => None,
            Standing::Invited => {
                let again = is_first && user.id != own;
                again.then_some(MailTemplate::Invitation)
            }
            Standing::Provisional | Standing::Settled => Some(MailTemplate::PasswordReset),
        };
        self.responder
            .answer(&request, event, remaining, choose)
            .await
    }

    /// Invites the first administrator, if it is who asks. Returns false if it is not.
    async fn invite(
        &self,
        id: UserId,
        request: &AnonymousRequest,
        event: &DomainEvent,
    ) -> Result<bool> {
        if self.policy != SignUpPolicy::Admin || !self.first_admin.is(&request.email) {
            return Ok(false);
        }
        let origin = Origin {
            client_ip: request.source_address,
            traceparent: event.traceparent.clone(),
            ..Origin::system(event.id)
        };
        let invitation = self.invitations.invite(id, &request.email, origin).await?;
        Ok(invitation != FirstAdminInvitation::NotNeeded)
    }
}

#[cfg(test)]
mod tests;
