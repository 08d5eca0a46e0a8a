//! The use case: an address that is an account's no more hears of it.

use std::{sync::Arc, time::Duration};

use shared::{
    application::{
        mail::{MailService, MailTemplate},
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
                self.mail_service
                    .send(MailTemplate::EmailChanged, &user, &old, event, remaining)
                    .await
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::{Origin, User, mail::MailGuarantee};
    use testing::{FakeBackend, Fault};

    use super::*;

    const REMAINING: Duration = Duration::from_secs(10);

    fn service(backend: &Arc<FakeBackend>) -> OnEmailChanged {
        OnEmailChanged {
            users: backend.clone(),
            mail_service: backend.mail_service(MailGuarantee::NeverLost),
        }
    }

    /// Ann moved.
    async fn moved(backend: &Arc<FakeBackend>) -> (User, DomainEvent) {
        let metadata = || backend.env().metadata(Origin::system("test")).unwrap();
        let ann = backend.add_user("ann@example.com").await.unwrap();
        let request = ann.request_email("new@example.com".parse().unwrap(), &metadata());
        let ann = backend.commit(&request.unwrap()).await.unwrap();
        let confirmed = ann.confirm_email(None, &metadata()).unwrap();
        let ann = backend.commit(&confirmed).await.unwrap();
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
            "the new address is the user's own affair"
        );
    }

    #[tokio::test]
    async fn of_an_erased_user_nobody_hears() {
        let backend = FakeBackend::new();
        let (ann, event) = moved(&backend).await;
        let metadata = backend.env().metadata(Origin::system("test")).unwrap();
        backend.commit(&ann.erase(&metadata)).await.unwrap();
        service(&backend).execute(&event, REMAINING).await.unwrap();
        assert!(backend.inbox().is_empty());
    }

    #[tokio::test]
    async fn a_notice_survives_every_fault() {
        let tried = FakeBackend::try_every_fault(async |fault: Fault| {
            let backend = FakeBackend::new();
            let (_, event) = moved(&backend).await;
            let service = service(&backend);
            let (_, fired) = backend
                .with_fault(fault, service.execute(&event, REMAINING))
                .await;
            backend.advance(REMAINING * 2);
            service.execute(&event, REMAINING).await.unwrap();
            assert!((1..=2).contains(&backend.inbox().len()), "{fault:?}");
            fired
        })
        .await;
        assert_eq!(tried, 4 * 5, "five calls, each with four faults");
    }
}
