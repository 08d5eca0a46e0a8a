//! The use case: whoever asked to prove an address gets a link, if there is something to prove.

use std::time::Duration;

use shared::{
    application::mail::{Asked, Letter},
    domain::{DomainEvent, Result, request::RequestKind},
};

/// Mails links that prove addresses.
pub struct OnEmailVerificationRequested {
    /// Answers the requests.
    pub asked: Asked,
}

impl OnEmailVerificationRequested {
    /// Mails the link, once however often the event comes, and forgets the request. An address
    /// without an active account, or proven already, gets nothing.
    pub async fn execute(&self, event: &DomainEvent, remaining: Duration) -> Result<()> {
        self.asked
            .answer(event, remaining, Letter::EmailVerification, |kind, user| {
                *kind == RequestKind::EmailVerification && !user.email_verified
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use shared::{
        application::ports::{AnonymousRequests, Clock as _, UserRepository as _},
        domain::{
            Email, Origin, RequestId, TokenPurpose, mail::MailGuarantee, request::AnonymousRequest,
        },
    };
    use testing::{Fault, World};

    use super::*;

    const REMAINING: Duration = Duration::from_secs(10);

    fn service(world: &Arc<World>) -> OnEmailVerificationRequested {
        OnEmailVerificationRequested {
            asked: Asked {
                requests: world.clone(),
                users: world.clone(),
                post: world.post(MailGuarantee::NeverLost),
            },
        }
    }

    /// Somebody asks for a mail.
    async fn ask(world: &Arc<World>, email: &str, kind: RequestKind) -> DomainEvent {
        let occasion = world
            .circumstances()
            .occasion(Origin::system("test"))
            .unwrap();
        let (request, event) = AnonymousRequest::new(
            RequestId::new(occasion.now, [1; 10]),
            email.parse::<Email>().unwrap(),
            kind,
            &occasion,
        );
        let requests: &dyn AnonymousRequests = world.as_ref();
        requests.put(&request, &event).await.unwrap();
        event
    }

    /// Uses the token in the newest mail.
    async fn prove(world: &Arc<World>) -> bool {
        let (token, user) = (world.mailed_token().unwrap(), world.users().remove(0));
        let occasion = world
            .circumstances()
            .occasion(Origin::system("test"))
            .unwrap();
        assert_eq!(token.purpose, TokenPurpose::EmailVerification);
        let change = user.verify_email(&occasion).unwrap();
        let change = change.spending(token.spend(&user.email, world.now()));
        world.commit(&change).await.is_ok()
    }

    #[tokio::test]
    async fn who_asked_gets_a_link_until_the_address_is_proven() {
        let world = World::new();
        world.add_user("ann@example.com").await.unwrap();
        let kind = RequestKind::EmailVerification;
        let event = ask(&world, "ann@example.com", kind.clone()).await;
        service(&world).execute(&event, REMAINING).await.unwrap();
        let mail = world.inbox().pop().unwrap();
        assert!(mail.text.contains("https://app.example.com/verify#token="));
        assert!(prove(&world).await);
        let event = ask(&world, "ann@example.com", kind).await;
        service(&world).execute(&event, REMAINING).await.unwrap();
        assert_eq!((world.inbox().len(), world.pending_requests()), (1, 0));
    }

    #[tokio::test]
    async fn nobody_else_gets_anything() {
        let world = World::new();
        let ann = world.add_user("ann@example.com").await.unwrap();
        let proof = RequestKind::EmailVerification;
        for (email, kind, active) in [
            ("nobody@example.com", proof.clone(), true),
            ("ann@example.com", RequestKind::PasswordReset, true),
            ("ann@example.com", proof, false),
        ] {
            world.tamper(ann.id, |user| user.active = active);
            let event = ask(&world, email, kind).await;
            service(&world).execute(&event, REMAINING).await.unwrap();
            assert_eq!((world.inbox().len(), world.pending_requests()), (0, 0));
        }
    }

    #[tokio::test]
    async fn a_request_survives_every_fault() {
        let tried = World::try_every_fault(async |fault: Fault| {
            let world = World::new();
            world.add_user("ann@example.com").await.unwrap();
            let event = ask(&world, "ann@example.com", RequestKind::EmailVerification).await;
            let service = service(&world);
            let (_, fired) = world
                .with_fault(fault, service.execute(&event, REMAINING))
                .await;
            world.advance(REMAINING * 2);
            service.execute(&event, REMAINING).await.unwrap();
            assert!((1..=2).contains(&world.inbox().len()), "{fault:?}");
            assert!(prove(&world).await, "{fault:?}");
            assert_eq!(world.pending_requests(), 0, "{fault:?}");
            fired
        })
        .await;
        assert_eq!(tried, 4 * 9, "nine calls, each with four faults");
    }
}
