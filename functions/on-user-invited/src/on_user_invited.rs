//! The use case: a person is invited.

use std::{sync::Arc, time::Duration};

use shared::{
    application::{
        mail::{Letter, MailService, MailTemplate, Recipient},
        ports::{Invitations, UserRepository},
    },
    domain::{
        DomainEvent, Result, User,
        user::{Invitation, Standing},
    },
};

/// Lists and mails invitations.
pub struct OnUserInvited {
    /// Where users are kept: events hold no address.
    pub users: Arc<dyn UserRepository>,
    /// The list of open ones.
    pub invitations: Arc<dyn Invitations>,
    /// Sends the mail.
    pub mail_service: MailService,
}

impl OnUserInvited {
    /// Lists the invitation and mails the link, once however often the event comes. Who answered
    /// meanwhile, was erased or deactivated gets nothing.
    pub async fn execute(&self, event: &DomainEvent, remaining: Duration) -> Result<()> {
        let Some(id) = event.user_id else {
            return Ok(());
        };
        let user = self.users.find(id).await?;
        let is_open = |user: &User| user.active && user.standing == Standing::Invited;
        let Some(user) = user.filter(is_open) else {
            return Ok(());
        };
        let invitation = Invitation::new(id, event.time);
        self.invitations.note(&invitation).await?;
        let letter = Letter {
            template: MailTemplate::Invitation,
            recipient: Recipient::User(&user),
            address: &user.email,
            event,
            client_ip: None,
        };
        self.mail_service.send(letter, remaining).await
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::{
        OneTimeToken, PasswordHash, TokenPurpose, UserId, mail::MailGuarantee, token::TokenBinding,
        user::Invitee,
    };
    use testing::FakeBackend;

    use super::*;

    const REMAINING: Duration = Duration::from_secs(10);

    fn service(backend: &Arc<FakeBackend>) -> OnUserInvited {
        OnUserInvited {
            users: backend.clone(),
            invitations: backend.clone(),
            mail_service: backend.mail_service(MailGuarantee::NeverLost),
        }
    }

    /// Eve is invited.
    async fn invited(backend: &Arc<FakeBackend>) -> DomainEvent {
        let metadata = backend.metadata();
        let new = Invitee {
            id: UserId::new(metadata.now, [5; 10]),
            email: "eve@example.com".parse().unwrap(),
            name: "Eve".parse().unwrap(),
        };
        backend.commit(&User::invite(new, &metadata)).await.unwrap();
        backend.outbox().pop().unwrap()
    }

    /// Sends the invitation again, a minute later.
    async fn invited_again(backend: &Arc<FakeBackend>, first: &DomainEvent) -> DomainEvent {
        backend.advance(Duration::from_mins(1));
        let id = first.user_id.unwrap();
        backend.change(id, User::invite_again).await;
        backend.outbox().pop().unwrap()
    }

    /// Accepts the invitation by the token, if it is good.
    async fn accept(backend: &Arc<FakeBackend>, token: &OneTimeToken) -> bool {
        let Some(user) = backend.user(token.user_id) else {
            return false;
        };
        let metadata = backend.metadata();
        let binding = TokenBinding::of(&user, TokenPurpose::Invitation).unwrap();
        let change = user.reset_password(PasswordHash::from_phc("new"), &metadata);
        let change = change.spending(token.spend(&binding, metadata.now));
        backend.commit(&change).await.is_ok()
    }

    async fn listed(backend: &Arc<FakeBackend>) -> Vec<Invitation> {
        let list: &dyn Invitations = backend.as_ref();
        list.list(None, 10).await.unwrap().invitations
    }

    #[tokio::test]
    async fn the_mail_has_a_link_and_the_list_a_line() {
        let backend = FakeBackend::new();
        let event = invited(&backend).await;
        service(&backend).execute(&event, REMAINING).await.unwrap();
        let mail = backend.inbox().pop().unwrap();
        assert!(
            mail.text
                .contains("https://app.example.com/invitation#token=")
        );
        assert!(!mail.text.contains("Eve"), "the name is that of a stranger");
        let expected = Invitation::new(event.user_id.unwrap(), event.time);
        assert_eq!(listed(&backend).await, [expected]);
        assert!(accept(&backend, &backend.mailed_token().unwrap()).await);
    }

    /// In whatever order the events come.
    #[tokio::test]
    async fn an_invitation_sent_again_voids_the_link_of_the_first() {
        for is_late in [false, true] {
            let backend = FakeBackend::new();
            let service = service(&backend);
            let first = invited(&backend).await;
            service.execute(&first, REMAINING).await.unwrap();
            let void = backend.mailed_token().unwrap();
            let again = invited_again(&backend, &first).await;
            assert!(!accept(&backend, &void).await);
            service.execute(&again, REMAINING).await.unwrap();
            if is_late {
                service.execute(&first, REMAINING).await.unwrap();
            }
            let expected = Invitation::new(first.user_id.unwrap(), again.time);
            assert_eq!(listed(&backend).await, [expected]);
            assert_eq!(backend.inbox().len(), 2);
            assert!(!accept(&backend, &void).await);
            assert!(accept(&backend, &backend.mailed_token().unwrap()).await);
        }
    }

    /// The route limits how often; a mail that is dropped would leave the person without a good link.
    #[tokio::test]
    async fn each_invitation_that_was_sent_again_is_mailed() {
        let backend = FakeBackend::new();
        let service = service(&backend);
        let first = invited(&backend).await;
        service.execute(&first, REMAINING).await.unwrap();
        for _ in 0..4 {
            let again = invited_again(&backend, &first).await;
            service.execute(&again, REMAINING).await.unwrap();
        }
        assert_eq!(backend.inbox().len(), 5);
        assert!(accept(&backend, &backend.mailed_token().unwrap()).await);
    }

    /// The attack: a link that somebody kept is used after the invitation has ended.
    #[tokio::test]
    async fn a_link_is_void_after_withdrawal_and_after_deactivation() {
        let deactivate = |user: &User, metadata: &_| user.deactivate(metadata);
        let withdraw = |user: &User, metadata: &_| user.withdraw_invitation(metadata);
        for is_withdrawn in [false, true] {
            let backend = FakeBackend::new();
            let event = invited(&backend).await;
            service(&backend).execute(&event, REMAINING).await.unwrap();
            let token = backend.mailed_token().unwrap();
            let id = event.user_id.unwrap();
            if is_withdrawn {
                backend.change(id, withdraw).await;
            } else {
                backend.change(id, deactivate).await;
                backend.change(id, User::reactivate).await;
            }
            assert!(!accept(&backend, &token).await, "{is_withdrawn}");
        }
    }

    #[tokio::test]
    async fn who_answered_or_is_gone_gets_no_mail() {
        let changes: [fn(&mut User); 2] = [
            |user| user.standing = Standing::Settled,
            |user| user.active = false,
        ];
        for change in changes {
            let backend = FakeBackend::new();
            let event = invited(&backend).await;
            backend.tamper(event.user_id.unwrap(), change);
            service(&backend).execute(&event, REMAINING).await.unwrap();
            assert!(backend.inbox().is_empty());
            assert_eq!(listed(&backend).await, []);
        }
    }

    #[tokio::test]
    async fn an_invitation_survives_every_fault() {
        let calls = FakeBackend::survives_every_fault(
            async |backend| invited(backend).await,
            async |backend, event| service(backend).execute(event, REMAINING).await,
            async |backend, _| {
                (1..=2).contains(&backend.inbox().len())
                    && listed(backend).await.len() == 1
                    && accept(backend, &backend.mailed_token().unwrap()).await
            },
        )
        .await;
        assert!(calls.contains(&"mailer.send"), "{calls:?}");
    }
}
