//! The use case: an address that is an account's no more hears of it.

use std::{sync::Arc, time::Duration};

use shared::{
    application::{
        mail::{Letter, Post},
        ports::UserRepository,
    },
    domain::{DomainEvent, EventKind, Result},
};

/// Tells old addresses.
pub struct OnEmailChanged {
    /// Where users are kept: events hold no address.
    pub users: Arc<dyn UserRepository>,
    /// Sends the mail.
    pub post: Post,
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
                self.post
                    .send(Letter::EmailChanged, &user, &old, event, remaining)
                    .await
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::{Origin, User, mail::MailGuarantee};
    use testing::{Fault, World};

    use super::*;

    const REMAINING: Duration = Duration::from_secs(10);

    fn service(world: &Arc<World>) -> OnEmailChanged {
        OnEmailChanged {
            users: world.clone(),
            post: world.post(MailGuarantee::NeverLost),
        }
    }

    /// Ann moved.
    async fn moved(world: &Arc<World>) -> (User, DomainEvent) {
        let occasion = || {
            world
                .circumstances()
                .occasion(Origin::system("test"))
                .unwrap()
        };
        let ann = world.add_user("ann@example.com").await.unwrap();
        let wish = ann.request_email("new@example.com".parse().unwrap(), &occasion());
        let ann = world.commit(&wish.unwrap()).await.unwrap();
        let confirmed = ann.confirm_email(None, &occasion()).unwrap();
        let ann = world.commit(&confirmed).await.unwrap();
        (ann, world.outbox().pop().unwrap())
    }

    #[tokio::test]
    async fn the_old_address_hears_of_it_once() {
        let world = World::new();
        let (_, event) = moved(&world).await;
        for _ in 0..2 {
            service(&world).execute(&event, REMAINING).await.unwrap();
        }
        let inbox = world.inbox();
        assert_eq!((inbox.len(), inbox[0].to.as_str()), (1, "ann@example.com"));
        assert_eq!(inbox[0].subject, "Your address at Acme was changed");
        assert!(
            !inbox[0].text.contains("new@"),
            "the new address is the user's own affair"
        );
    }

    #[tokio::test]
    async fn of_an_erased_user_nobody_hears() {
        let world = World::new();
        let (ann, event) = moved(&world).await;
        let occasion = world
            .circumstances()
            .occasion(Origin::system("test"))
            .unwrap();
        world.commit(&ann.erase(&occasion)).await.unwrap();
        service(&world).execute(&event, REMAINING).await.unwrap();
        assert!(world.inbox().is_empty());
    }

    #[tokio::test]
    async fn a_notice_survives_every_fault() {
        let tried = World::try_every_fault(async |fault: Fault| {
            let world = World::new();
            let (_, event) = moved(&world).await;
            let service = service(&world);
            let (_, fired) = world
                .with_fault(fault, service.execute(&event, REMAINING))
                .await;
            world.advance(REMAINING * 2);
            service.execute(&event, REMAINING).await.unwrap();
            assert!((1..=2).contains(&world.inbox().len()), "{fault:?}");
            fired
        })
        .await;
        assert_eq!(tried, 4 * 5, "five calls, each with four faults");
    }
}
