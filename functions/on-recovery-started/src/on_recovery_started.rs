//! The use case: a user whose account is being recovered gets a link.

use std::{sync::Arc, time::Duration};

use shared::{
    application::{
        mail::{Letter, MailService, MailTemplate, Recipient},
        ports::UserRepository,
    },
    domain::{DomainEvent, Result},
};

/// Mails links with which to choose another password.
pub struct OnRecoveryStarted {
    /// Where users are kept: events hold no address.
    pub users: Arc<dyn UserRepository>,
    /// Sends the mail.
    pub mail_service: MailService,
}

impl OnRecoveryStarted {
    /// Mails the link, once however often the event comes. A user who was erased or deactivated gets
    /// none.
    pub async fn execute(&self, event: &DomainEvent, remaining: Duration) -> Result<()> {
        let Some(id) = event.user_id else {
            return Ok(());
        };
        let user = self.users.find(id).await?;
        let Some(user) = user.filter(|user| user.active) else {
            return Ok(());
        };
        let letter = Letter {
            template: MailTemplate::Recovery,
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
        OneTimeToken, PasswordHash, TokenPurpose, User, UserId, mail::MailGuarantee,
        token::TokenBinding,
    };
    use testing::FakeBackend;

    use super::*;

    const REMAINING: Duration = Duration::from_secs(10);

    fn service(backend: &Arc<FakeBackend>) -> OnRecoveryStarted {
        OnRecoveryStarted {
            users: backend.clone(),
            mail_service: backend.mail_service(MailGuarantee::NeverLost),
        }
    }

    async fn recovery_of(backend: &Arc<FakeBackend>, user: UserId) -> DomainEvent {
        backend.change(user, User::start_recovery).await;
        backend.outbox().pop().unwrap()
    }

    /// Chooses a password by the token, if it is good.
    async fn reset(backend: &Arc<FakeBackend>, token: &OneTimeToken) -> bool {
        let user = backend.user(token.user_id).unwrap();
        let metadata = backend.metadata();
        let binding = TokenBinding::of(&user, TokenPurpose::PasswordReset).unwrap();
        let change = user.reset_password(PasswordHash::from_phc("new"), &metadata);
        let change = change.spending(token.spend(&binding, metadata.now));
        backend.commit(&change).await.is_ok()
    }

    #[tokio::test]
    async fn the_link_in_the_mail_sets_a_password() {
        let backend = FakeBackend::new();
        let ann = backend.add_user("ann@example.com").await;
        let event = recovery_of(&backend, ann.id).await;
        service(&backend).execute(&event, REMAINING).await.unwrap();
        let mail = backend.inbox().pop().unwrap();
        assert!(mail.text.contains("https://app.example.com/reset#token="));
        assert!(reset(&backend, &backend.mailed_token().unwrap()).await);
    }

    #[tokio::test]
    async fn a_second_recovery_voids_the_link_of_the_first() {
        let backend = FakeBackend::new();
        let ann = backend.add_user("ann@example.com").await;
        let event = recovery_of(&backend, ann.id).await;
        service(&backend).execute(&event, REMAINING).await.unwrap();
        let first = backend.mailed_token().unwrap();
        backend.advance(Duration::from_mins(2));
        let event = recovery_of(&backend, ann.id).await;
        assert!(!reset(&backend, &first).await);
        service(&backend).execute(&event, REMAINING).await.unwrap();
        assert!(reset(&backend, &backend.mailed_token().unwrap()).await);
    }

    #[tokio::test]
    async fn who_is_deactivated_or_gone_gets_no_mail() {
        let backend = FakeBackend::new();
        let ann = backend.add_user("ann@example.com").await;
        let event = recovery_of(&backend, ann.id).await;
        backend.change(ann.id, User::deactivate).await;
        service(&backend).execute(&event, REMAINING).await.unwrap();
        let erase = |ann: &User, metadata: &_| Ok(ann.erase(metadata));
        backend.change(ann.id, erase).await;
        service(&backend).execute(&event, REMAINING).await.unwrap();
        assert!(backend.inbox().is_empty());
    }

    #[tokio::test]
    async fn a_mail_survives_every_fault() {
        let calls = FakeBackend::survives_every_fault(
            async |backend| {
                let ann = backend.add_user("ann@example.com").await;
                recovery_of(backend, ann.id).await
            },
            async |backend, event| service(backend).execute(event, REMAINING).await,
            async |backend, _| {
                (1..=2).contains(&backend.inbox().len())
                    && reset(backend, &backend.mailed_token().unwrap()).await
            },
        )
        .await;
        assert!(calls.contains(&"mailer.send"), "{calls:?}");
    }
}
