//! The use case: a new user is welcomed.

use std::{sync::Arc, time::Duration};

use shared::{
    application::{
        mail::{Letter, Post},
        ports::UserRepository,
    },
    domain::{DomainEvent, EventKind, Result},
};

/// Welcomes users.
pub struct OnUserCreated {
    /// Where users are kept: events hold no address.
    pub users: Arc<dyn UserRepository>,
    /// Sends the mail.
    pub post: Post,
}

impl OnUserCreated {
    /// Sends the welcome mail, once however often the event comes. A user erased meanwhile gets none.
    /// With it comes a link that proves the address, unless it is proven already.
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
        self.post
            .send(Letter::Welcome, &user, &user.email, event, remaining)
            .await
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::{Origin, mail::MailGuarantee};
    use testing::{Fault, World};

    use super::*;

    const REMAINING: Duration = Duration::from_secs(10);

    fn service(world: &Arc<World>, guarantee: MailGuarantee) -> OnUserCreated {
        OnUserCreated {
            users: world.clone(),
            post: world.post(guarantee),
        }
    }

    async fn user_created(world: &Arc<World>) -> DomainEvent {
        world.add_user("ann@example.com").await.unwrap();
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
    async fn the_link_in_it_proves_the_address() {
        let world = World::new();
        let event = user_created(&world).await;
        let service = service(&world, MailGuarantee::NeverLost);
        service.execute(&event, REMAINING).await.unwrap();
        let mail = world.inbox().remove(0);
        assert!(mail.text.contains("https://app.example.com/verify#token="));
        let (token, user) = (world.mailed_token().unwrap(), world.users().remove(0));
        let occasion = world
            .circumstances()
            .occasion(Origin::system("test"))
            .unwrap();
        let change = user.verify_email(&occasion).unwrap();
        let change = change.spending(token.spend(&user.email, occasion.now));
        assert!(world.commit(&change).await.unwrap().email_verified);
    }

    #[tokio::test]
    async fn who_proved_the_address_by_then_gets_no_link() {
        let world = World::new();
        let event = user_created(&world).await;
        world.tamper(event.user_id.unwrap(), |user| user.email_verified = true);
        let service = service(&world, MailGuarantee::NeverLost);
        service.execute(&event, REMAINING).await.unwrap();
        assert!(!world.inbox().remove(0).text.contains("token="));
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
        assert!(mails.len() >= 24, "six calls, each with four faults");
        mails
    }

    /// The calls are users.find, claims.claim, `secrets.get_or_put`, tokens.issue, mailer.send,
    /// claims.settle, numbered from 0: from after the send to before the settlement, nobody knows.
    fn in_the_window(fault: Fault) -> bool {
        matches!(
            fault,
            Fault::CrashAfter(4) | Fault::LoseReply(4) | Fault::CrashBefore(5) | Fault::Fail(5)
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
            .with_fault(Fault::CrashAfter(4), service.execute(&event, REMAINING))
            .await;
        assert_eq!(world.inbox().len(), 1);
        let claim = &world.mail_claims()[0];
        let ledger: &dyn shared::application::ports::Claims = world.as_ref();
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
