//! The use case: a new user is welcomed.

use std::{sync::Arc, time::Duration};

use shared::{
    domain::{DomainEvent, EventKind, Result},
    mailing::{Courier, Letter, Stationery},
    ports::UserRepository,
};

/// Welcomes users.
pub struct OnUserCreated {
    /// Where users are kept: events hold no address.
    pub users: Arc<dyn UserRepository>,
    /// Sends the mail.
    pub courier: Courier,
    /// What mails look like.
    pub stationery: Stationery,
}

impl OnUserCreated {
    /// Sends the welcome mail, once however often the event comes. A user erased meanwhile gets none.
    pub async fn execute(&self, event: &DomainEvent, remaining: Duration) -> Result<()> {
        let Some(id) = event
            .user_id
            .filter(|_| event.kind == EventKind::UserCreated)
        else {
            return Ok(());
        };
        let Some(user) = self.users.find(id).await? else {
            return Ok(());
        };
        let mail = Letter::Welcome.write(&self.stationery, &user.email, &user.name)?;
        self.courier
            .deliver(event.id, Letter::Welcome, &mail, remaining)
            .await
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        adapters::memory::{Fault, World},
        domain::{Origin, PasswordHash, Roles, User, UserId, mail::MailGuarantee, user::NewUser},
        ports::Entropy,
    };

    use super::*;

    const REMAINING: Duration = Duration::from_secs(10);

    fn service(world: &Arc<World>, guarantee: MailGuarantee) -> OnUserCreated {
        OnUserCreated {
            users: world.clone(),
            courier: Courier {
                claims: world.clone(),
                mailer: world.clone(),
                guarantee,
            },
            stationery: Stationery {
                product: "Acme".to_owned(),
                app_url: "https://app.example.com".to_owned(),
            },
        }
    }

    async fn user_created(world: &Arc<World>) -> DomainEvent {
        let occasion = world
            .circumstances()
            .occasion(Origin::system("test"))
            .unwrap();
        let entropy: Arc<dyn Entropy> = world.clone();
        let new = NewUser {
            id: UserId::new(occasion.now, entropy.bytes().unwrap()),
            email: "ann@example.com".parse().unwrap(),
            name: "Ann".parse().unwrap(),
            password: PasswordHash::from_phc("hash"),
            roles: Roles::new(),
        };
        world.commit(&User::create(new, &occasion)).await.unwrap();
        world.outbox()[0].clone()
    }

    #[tokio::test]
    async fn an_event_that_comes_twice_sends_one_mail() {
        let world = World::new();
        let event = user_created(&world).await;
        let service = service(&world, MailGuarantee::NeverLost);
        service.execute(&event, REMAINING).await.unwrap();
        service.execute(&event, REMAINING).await.unwrap();
        let inbox = world.inbox();
        assert_eq!(inbox.len(), 1);
        assert_eq!(inbox[0].to.as_str(), "ann@example.com");
    }

    #[tokio::test]
    async fn two_workers_at_once_send_one_mail() {
        let world = World::new();
        let event = user_created(&world).await;
        let service = service(&world, MailGuarantee::NeverLost);
        let (one, two) = tokio::join!(
            service.execute(&event, REMAINING),
            service.execute(&event, REMAINING)
        );
        assert!(one.is_ok() || two.is_ok());
        assert_eq!(world.inbox().len(), 1);
    }

    #[tokio::test]
    async fn a_refused_mail_is_sent_at_the_next_try() {
        for guarantee in [MailGuarantee::NeverLost, MailGuarantee::NeverTwice] {
            let world = World::new();
            let event = user_created(&world).await;
            world.refuse_mails(1);
            let service = service(&world, guarantee);
            assert!(service.execute(&event, REMAINING).await.is_err());
            service.execute(&event, REMAINING).await.unwrap();
            assert_eq!(world.inbox().len(), 1, "{guarantee:?}");
        }
    }

    /// Runs every fault, then lets Lambda repeat the event until it is observed. Gives, for each
    /// fault that fired, how many mails went out.
    async fn mails_after_every_fault(guarantee: MailGuarantee) -> Vec<(Fault, usize)> {
        let mails = std::sync::Mutex::new(Vec::new());
        World::try_every_fault(async |fault: Fault| {
            let world = World::new();
            let event = user_created(&world).await;
            let service = service(&world, guarantee);
            let (_, fired) = world
                .with_fault(fault, service.execute(&event, REMAINING))
                .await;
            world.advance(REMAINING * 2);
            service.execute(&event, REMAINING).await.unwrap();
            if fired {
                mails.lock().unwrap().push((fault, world.inbox().len()));
            }
            fired
        })
        .await;
        let mails = mails.into_inner().unwrap();
        assert!(mails.len() >= 16, "four calls, each with four faults");
        mails
    }

    /// The calls are users.find, claims.claim, mailer.send, claims.settle, numbered from 0: from
    /// after the send to before the settlement, nobody knows.
    fn in_the_window(fault: Fault) -> bool {
        matches!(
            fault,
            Fault::CrashAfter(2) | Fault::LoseReply(2) | Fault::CrashBefore(3) | Fault::Fail(3)
        )
    }

    #[tokio::test]
    async fn never_lost_repeats_only_what_nobody_knows() {
        for (fault, mails) in mails_after_every_fault(MailGuarantee::NeverLost).await {
            assert_eq!(mails, if in_the_window(fault) { 2 } else { 1 }, "{fault:?}");
        }
    }

    #[tokio::test]
    async fn never_twice_loses_only_what_nobody_knows() {
        for (fault, mails) in mails_after_every_fault(MailGuarantee::NeverTwice).await {
            let sent_or_unknown = mails == 1 || !in_the_window(fault);
            assert!(mails <= 1 && sent_or_unknown, "{fault:?}");
        }
    }

    #[tokio::test]
    async fn the_witness_closes_the_window() {
        let world = World::new();
        let event = user_created(&world).await;
        let service = service(&world, MailGuarantee::NeverLost);
        world
            .with_fault(Fault::CrashAfter(2), service.execute(&event, REMAINING))
            .await;
        assert_eq!(world.inbox().len(), 1);
        let claim = &world.mail_claims()[0];
        let ledger: &dyn shared::ports::Claims = world.as_ref();
        ledger
            .witness(claim, &serde_json::json!({"outcome": "sent"}))
            .await
            .unwrap();
        world.advance(REMAINING * 2);
        service.execute(&event, REMAINING).await.unwrap();
        assert_eq!(
            world.inbox().len(),
            1,
            "the mail service's own event told the ledger"
        );
    }
}
