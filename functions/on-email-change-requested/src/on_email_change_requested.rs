//! The use case: a new address is asked to prove itself.

use std::{sync::Arc, time::Duration};

use shared::{
    application::{
        mail::{Letter, MailService, MailTemplate, Recipient},
        ports::UserRepository,
    },
    domain::{DomainEvent, Email, EventKind, LoginKey, Result, User},
};

/// Mails links that prove new addresses.
pub struct OnEmailChangeRequested {
    /// Where users are kept: events hold no address.
    pub users: Arc<dyn UserRepository>,
    /// Sends the mail.
    pub mail_service: MailService,
}

impl OnEmailChangeRequested {
    /// Warns the present address, and then mails the link to the one which the user asked for; each once
    /// however often the event comes. No link leaves without the warning. If another user has the new
    /// address, that user is told, and no token is made.
    pub async fn execute(&self, event: &DomainEvent, remaining: Duration) -> Result<()> {
        let Some((user, address)) = self.pending(event).await? else {
            return Ok(());
        };
        let send = async |template, user: &User, address: &Email| {
            let letter = Letter {
                template,
                recipient: Recipient::User(user),
                address,
                event,
                client_ip: None,
            };
            self.mail_service.try_send(letter, remaining).await
        };
        let warned = send(MailTemplate::EmailChangeRequested, &user, &user.email);
        if !warned.await? {
            return Ok(());
        }
        let key = LoginKey::Email(address.clone());
        let sent = match self.users.find_login(&key).await? {
            None => send(MailTemplate::EmailChange, &user, &address).await,
            Some(login) => match self.users.find(login.user_id).await? {
                Some(owner) => send(MailTemplate::AddressInUse, &owner, &address).await,
                None => return Ok(()),
            },
        };
        sent.map(drop)
    }

    /// The user, and the address which the event's version asked for. Nothing if the user wants
    /// another one by now, has it, is gone or is not active.
    async fn pending(&self, event: &DomainEvent) -> Result<Option<(User, Email)>> {
        let (Some(id), Some(version)) = (event.user_id, event.version) else {
            return Ok(None);
        };
        if event.kind != EventKind::UserEmailChangeRequested {
            return Ok(None);
        }
        let Some(user) = self.users.find(id).await?.filter(|user| user.active) else {
            return Ok(None);
        };
        let entry = self.users.history_entry(id, version).await?;
        let responder = entry
            .and_then(|entry| entry.private)
            .and_then(|private| private.new_email);
        Ok(responder
            .filter(|responder| user.pending_email.as_ref() == Some(responder))
            .map(|responder| (user, responder)))
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        application::ports::Clock as _,
        domain::{TokenPurpose, mail::MailGuarantee, token::TokenBinding},
    };
    use testing::{FakeBackend, Fault};

    use super::*;

    const REMAINING: Duration = Duration::from_secs(10);

    fn service(backend: &Arc<FakeBackend>) -> OnEmailChangeRequested {
        OnEmailChangeRequested {
            users: backend.clone(),
            mail_service: backend.mail_service(MailGuarantee::NeverLost),
        }
    }

    /// The user asks for this address.
    async fn ask(backend: &Arc<FakeBackend>, user: &User, email: &str) -> (User, DomainEvent) {
        let email = email.parse().unwrap();
        let request = |user: &User, metadata: &_| user.request_email(email, metadata);
        let user = backend.change(user.id, request).await;
        (user, backend.outbox().pop().unwrap())
    }

    /// Uses the token in the newest mail.
    async fn confirm(backend: &Arc<FakeBackend>, user: &User) -> bool {
        let token = backend.mailed_token().unwrap();
        assert_eq!(
            (token.purpose, token.user_id),
            (TokenPurpose::EmailChange, user.id)
        );
        let metadata = backend.metadata();
        let change = user.confirm_email(None, &metadata).unwrap();
        let binding = TokenBinding::of(user, token.purpose).unwrap();
        let change = change.spending(token.spend(&binding, backend.now()));
        backend.commit(&change).await.is_ok()
    }

    #[tokio::test]
    async fn the_new_address_gets_a_link_and_the_old_one_a_warning() {
        let backend = FakeBackend::new();
        let ann = backend.add_user("ann@example.com").await;
        let (ann, event) = ask(&backend, &ann, "new@example.com").await;
        for _ in 0..2 {
            service(&backend).execute(&event, REMAINING).await.unwrap();
        }
        let inbox = backend.inbox();
        let to: Vec<_> = inbox.iter().map(|mail| mail.to.as_str()).collect();
        assert_eq!(to, ["ann@example.com", "new@example.com"]);
        let warning = &inbox[0].text;
        assert!(!warning.contains("new@") && !warning.contains("token="));
        let link = "https://app.example.com/verify#token=";
        assert!(inbox[1].text.contains(link));
        assert!(confirm(&backend, &ann).await);
    }

    #[tokio::test]
    async fn the_owner_of_a_taken_address_is_told_and_gets_no_token() {
        let backend = FakeBackend::new();
        let ann = backend.add_user("ann@example.com").await;
        backend.add_user("bob@example.com").await;
        let (_, event) = ask(&backend, &ann, "bob@example.com").await;
        backend.clear_trace();
        service(&backend).execute(&event, REMAINING).await.unwrap();
        let inbox = backend.inbox();
        assert_eq!((inbox.len(), inbox[1].to.as_str()), (2, "bob@example.com"));
        assert!(!inbox[1].text.contains("token") && !inbox[1].text.contains("ann@"));
        assert!(!backend.trace().contains(&"tokens.issue"));
    }

    /// Otherwise the thief of a session moves the account away unseen.
    #[tokio::test]
    async fn no_link_leaves_without_the_warning() {
        let backend = FakeBackend::new();
        let ann = backend.add_user("ann@example.com").await;
        let (ann, event) = ask(&backend, &ann, "new@example.com").await;
        backend.refuse_mails(1);
        assert!(service(&backend).execute(&event, REMAINING).await.is_err());
        assert!(backend.inbox().is_empty());
        service(&backend).execute(&event, REMAINING).await.unwrap();
        let to: Vec<_> = backend.inbox().into_iter().map(|mail| mail.to).collect();
        assert_eq!(to, [ann.email.clone(), "new@example.com".parse().unwrap()]);

        // The brake stops the warning; when the event comes again, it is over.
        let mut braked = service(&backend);
        braked.mail_service.limiter.limits.per_hour = 0;
        let (_, event) = ask(&backend, &ann, "other@example.com").await;
        let calls_of_the_warning = 5;
        let stop = Fault::StopAfter(calls_of_the_warning);
        let first = braked.execute(&event, REMAINING);
        backend.with_fault(stop, first).await;
        service(&backend).execute(&event, REMAINING).await.unwrap();
        assert_eq!(backend.inbox().len(), 2);
    }

    #[tokio::test]
    async fn every_request_warns_however_many_there_are() {
        let backend = FakeBackend::new();
        let mut ann = backend.add_user("ann@example.com").await;
        for number in 1..=10 {
            let (asked, event) = ask(&backend, &ann, &format!("new{number}@example.com")).await;
            ann = asked;
            service(&backend).execute(&event, REMAINING).await.unwrap();
            let warnings = backend
                .inbox()
                .into_iter()
                .filter(|mail| mail.to == ann.email);
            assert_eq!(warnings.count(), number);
        }
    }

    #[tokio::test]
    async fn only_the_newest_request_is_mailed_in_whatever_order_events_come() {
        for late in [false, true] {
            let backend = FakeBackend::new();
            let ann = backend.add_user("ann@example.com").await;
            let (ann, first) = ask(&backend, &ann, "first@example.com").await;
            let (ann, second) = ask(&backend, &ann, "second@example.com").await;
            let mut events = [first, second];
            if late {
                events.reverse();
            }
            for event in &events {
                service(&backend).execute(event, REMAINING).await.unwrap();
            }
            let inbox = backend.inbox();
            assert_eq!(
                (inbox.len(), inbox[1].to.as_str()),
                (2, "second@example.com")
            );
            assert!(confirm(&backend, &ann).await);
        }
    }
    #[tokio::test]
    async fn a_request_survives_every_fault() {
        let calls = FakeBackend::survives_every_fault(
            async |backend| {
                let ann = backend.add_user("ann@example.com").await;
                ask(backend, &ann, "new@example.com").await
            },
            async |backend, (_, event)| service(backend).execute(event, REMAINING).await,
            async |backend, (ann, _)| {
                (2..=3).contains(&backend.inbox().len()) && confirm(backend, ann).await
            },
        )
        .await;
        assert_eq!(calls.len(), 19, "{calls:?}");
    }
}
