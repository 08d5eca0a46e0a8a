//! The use case: whoever asked for another password gets a link, if they have an account.

use std::time::Duration;

use shared::{
    application::mail::{Asked, Letter},
    domain::{DomainEvent, Result, request::RequestKind},
};

/// Mails links with which to choose another password.
pub struct OnPasswordResetRequested {
    /// Answers the requests.
    pub asked: Asked,
}

impl OnPasswordResetRequested {
    /// Mails the link, once however often the event comes, and forgets the request. An address
    /// without an active account gets nothing.
    pub async fn execute(&self, event: &DomainEvent, remaining: Duration) -> Result<()> {
        self.asked
            .answer(event, remaining, Letter::PasswordReset, |kind, _| {
                *kind == RequestKind::PasswordReset
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use shared::{
        application::ports::{
            AnonymousRequests, Clock as _, Entropy, OneTimeTokens, UserRepository as _,
        },
        domain::{
            Email, Origin, PasswordHash, RequestId, TokenPurpose, User, mail::MailGuarantee,
            request::AnonymousRequest,
        },
    };
    use testing::{Fault, World};

    use super::*;

    const REMAINING: Duration = Duration::from_secs(10);
    const LOST: MailGuarantee = MailGuarantee::NeverLost;

    fn service(world: &Arc<World>, guarantee: MailGuarantee) -> OnPasswordResetRequested {
        OnPasswordResetRequested {
            asked: Asked {
                requests: world.clone(),
                users: world.clone(),
                post: world.post(guarantee),
            },
        }
    }

    /// Somebody asks for a reset.
    async fn ask(world: &Arc<World>, email: &str) -> DomainEvent {
        world.advance(Duration::from_secs(1));
        let occasion = world
            .circumstances()
            .occasion(Origin::system("test"))
            .unwrap();
        let entropy: Arc<dyn Entropy> = world.clone();
        let (request, event) = AnonymousRequest::new(
            RequestId::new(occasion.now, entropy.bytes().unwrap()),
            email.parse::<Email>().unwrap(),
            RequestKind::PasswordReset,
            &occasion,
        );
        let requests: &dyn AnonymousRequests = world.as_ref();
        requests.put(&request, &event).await.unwrap();
        event
    }

    /// Uses the token in the newest mail, if it is good.
    async fn reset(world: &Arc<World>, user: &User) -> bool {
        let token = world.mailed_token().unwrap();
        assert_eq!(
            (token.purpose, token.user_id),
            (TokenPurpose::PasswordReset, user.id)
        );
        let user = world.users().remove(0);
        let occasion = world
            .circumstances()
            .occasion(Origin::system("test"))
            .unwrap();
        let change = user.reset_password(PasswordHash::from_phc("new"), &occasion);
        let change = change.spending(token.spend(&user.email, world.now()));
        world.commit(&change).await.is_ok()
    }

    #[tokio::test]
    async fn who_asked_gets_a_link_that_works_once() {
        let world = World::new();
        let ann = world.add_user("ann@example.com").await.unwrap();
        let event = ask(&world, "ann@example.com").await;
        let service = service(&world, LOST);
        for _ in 0..2 {
            service.execute(&event, REMAINING).await.unwrap();
        }
        let inbox = world.inbox();
        assert_eq!((inbox.len(), world.pending_requests()), (1, 0));
        assert_eq!(inbox[0].to.as_str(), "ann@example.com");
        assert!(
            inbox[0]
                .text
                .contains("https://app.example.com/reset#token=")
        );
        assert!(reset(&world, &ann).await);
        assert!(!reset(&world, &ann).await);
    }

    #[tokio::test]
    async fn nobody_else_gets_anything() {
        let world = World::new();
        let ann = world.add_user("ann@example.com").await.unwrap();
        world.tamper(ann.id, |user| user.active = false);
        for email in ["ann@example.com", "nobody@example.com"] {
            let event = ask(&world, email).await;
            service(&world, LOST)
                .execute(&event, REMAINING)
                .await
                .unwrap();
        }
        assert_eq!((world.inbox().len(), world.pending_requests()), (0, 0));
        assert!(!world.trace().contains(&"tokens.issue"));
    }

    #[tokio::test]
    async fn the_newer_link_voids_the_older_in_whatever_order_events_come() {
        let world = World::new();
        let ann = world.add_user("ann@example.com").await.unwrap();
        let older = ask(&world, "ann@example.com").await;
        let newer = ask(&world, "ann@example.com").await;
        let service = service(&world, LOST);
        service.execute(&newer, REMAINING).await.unwrap();
        service.execute(&older, REMAINING).await.unwrap();
        assert_eq!(world.inbox().len(), 1, "a void link is not mailed");
        assert!(reset(&world, &ann).await);
        let third = ask(&world, "ann@example.com").await;
        let fourth = ask(&world, "ann@example.com").await;
        service.execute(&third, REMAINING).await.unwrap();
        let void = world.mailed_token().unwrap();
        service.execute(&fourth, REMAINING).await.unwrap();
        let tokens: &dyn OneTimeTokens = world.as_ref();
        let void = void.spend(&ann.email, world.now());
        assert!(!tokens.is_good(&void).await.unwrap());
        assert!(reset(&world, &ann).await);
    }

    #[tokio::test]
    async fn an_event_that_comes_late_mails_nothing() {
        let world = World::new();
        world.add_user("ann@example.com").await.unwrap();
        let event = ask(&world, "ann@example.com").await;
        world.advance(TokenPurpose::PasswordReset.lifetime());
        service(&world, LOST)
            .execute(&event, REMAINING)
            .await
            .unwrap();
        assert_eq!((world.inbox().len(), world.pending_requests()), (0, 0));
    }

    #[tokio::test]
    async fn an_event_that_comes_again_makes_no_used_link_good() {
        let world = World::new();
        let ann = world.add_user("ann@example.com").await.unwrap();
        let event = ask(&world, "ann@example.com").await;
        let service = service(&world, LOST);
        // The worker dies after the mail is out, before the ledger notes so: calls are requests.find,
        // users.find_login, users.find, claims.claim, secrets.get_or_put, tokens.issue, mailer.send.
        world
            .with_fault(Fault::CrashAfter(6), service.execute(&event, REMAINING))
            .await;
        assert!(reset(&world, &ann).await);
        world.advance(REMAINING * 2);
        service.execute(&event, REMAINING).await.unwrap();
        assert_eq!((world.inbox().len(), world.pending_requests()), (1, 0));
        assert!(!reset(&world, &ann).await, "it stays used");
    }

    /// From after the mail is out to before the ledger notes so, nobody knows.
    fn in_the_window(fault: Fault) -> bool {
        matches!(
            fault,
            Fault::CrashAfter(6) | Fault::LoseReply(6) | Fault::CrashBefore(7) | Fault::Fail(7)
        )
    }

    /// Whatever fails wherever, the newest mail holds a good link; and there is one mail, except where
    /// nobody knows.
    #[tokio::test]
    async fn a_request_survives_every_fault() {
        for guarantee in [LOST, MailGuarantee::NeverTwice] {
            let tried = World::try_every_fault(async |fault: Fault| {
                let world = World::new();
                let ann = world.add_user("ann@example.com").await.unwrap();
                let event = ask(&world, "ann@example.com").await;
                let service = service(&world, guarantee);
                let (_, fired) = world
                    .with_fault(fault, service.execute(&event, REMAINING))
                    .await;
                world.advance(REMAINING * 2);
                service.execute(&event, REMAINING).await.unwrap();
                let inbox = world.inbox();
                let twice = fired && guarantee == LOST && in_the_window(fault);
                let lost = guarantee == MailGuarantee::NeverTwice && inbox.is_empty();
                assert!(
                    lost || inbox.len() == if twice { 2 } else { 1 },
                    "{fault:?}"
                );
                assert!(inbox.iter().all(|mail| *mail == inbox[0]), "{fault:?}");
                assert!(lost || reset(&world, &ann).await, "{fault:?}");
                assert_eq!(world.pending_requests(), 0, "{fault:?}");
                fired
            })
            .await;
            assert_eq!(tried, 4 * 9, "nine calls, each with four faults");
        }
    }
}
