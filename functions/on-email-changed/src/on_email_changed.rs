//! The use case: an address that is an account's no more hears of it.

use std::{sync::Arc, time::Duration};

use shared::{
    application::{
        mail::{Letter, MailService, MailTemplate, Recipient},
        ports::UserRepository,
    },
    domain::{DomainEvent, EventKind, Result},
};

/// Tells old addresses.
pub struct OnEmailChanged {
    /// Where users are kept: events hold no address.
    pub users: Arc<dyn UserRepository>,
    /// Sends the mail.
    pub mail_service: MailService,
}

impl OnEmailChanged {
    /// Tells the address which the user had what to do if it was somebody else, once however often
    /// the event comes. Of a user erased meanwhile no old address is left.
    pub async fn execute(&self, event: &DomainEvent, remaining: Duration) -> Result<()> {
        let (Some(id), Some(version)) = (event.user_id, event.version) else {
            return Ok(());
        };
        if event.kind != EventKind::UserEmailChanged {
            return Ok(());
        }
        let Some(user) = self.users.find(id).await? else {
            return Ok(());
        };
        let entry = self.users.history_entry(id, version).await?;
        let old = entry
            .and_then(|entry| entry.private)
            .and_then(|private| private.old_email);
        match old {
            Some(old) => {
                let letter = Letter {
                    template: MailTemplate::EmailChanged,
                    recipient: Recipient::User(&user),
                    address: &old,
                    event,
                    client_ip: None,
                };
                self.mail_service.send(letter, remaining).await
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::{User, mail::MailGuarantee};
    use testing::FakeBackend;

    use super::*;

    const REMAINING: Duration = Duration::from_secs(10);

    fn service(backend: &Arc<FakeBackend>) -> OnEmailChanged {
        OnEmailChanged {
            users: backend.clone(),
            mail_service: backend.mail_service(MailGuarantee::NeverLost),
        }
    }

    /// Ann, who changed her address, and the event of it.
    async fn moved(backend: &Arc<FakeBackend>) -> (User, DomainEvent) {
        let ann = backend.add_user("ann@example.com").await;
        let email = "new@example.com".parse().unwrap();
        let request = |ann: &User, metadata: &_| ann.request_email(email, metadata);
        backend.change(ann.id, request).await;
        let confirm = |ann: &User, metadata: &_| ann.confirm_email(None, metadata);
        let ann = backend.change(ann.id, confirm).await;
        (ann, backend.outbox().pop().unwrap())
    }

    #[tokio::test]
    async fn the_old_address_hears_of_it_once() {
        let backend = FakeBackend::new();
        let (_, event) = moved(&backend).await;
        for _ in 0..2 {
            service(&backend).execute(&event, REMAINING).await.unwrap();
        }
        let inbox = backend.inbox();
        assert_eq!((inbox.len(), inbox[0].to.as_str()), (1, "ann@example.com"));
        assert_eq!(inbox[0].subject, "Your address at Acme was changed");
        assert!(
            !inbox[0].text.contains("new@"),
            "the new address is the user's business"
        );
    }

    #[tokio::test]
    async fn an_erased_user_gets_no_notice() {
        let backend = FakeBackend::new();
        let (ann, event) = moved(&backend).await;
        let erase = |ann: &User, metadata: &_| Ok(ann.erase(metadata));
        backend.change(ann.id, erase).await;
        service(&backend).execute(&event, REMAINING).await.unwrap();
        assert!(backend.inbox().is_empty());
    }
    #[tokio::test]
    async fn a_notice_survives_every_fault() {
        let calls = FakeBackend::survives_every_fault(
            moved,
            async |backend, (_, event)| service(backend).execute(event, REMAINING).await,
            async |backend, _| (1..=2).contains(&backend.inbox().len()),
        )
        .await;
        assert_eq!(calls.len(), 7, "{calls:?}");
    }
}
