//! The use case: who signed up where that is concealed gets the link that makes the account, or the
//! owner of the address hears of it.

use std::{sync::Arc, time::Duration};

use shared::{
    application::{
        mail::{Letter, MailService, MailTemplate, Recipient},
        ports::{AnonymousRequests, UserRepository},
        token_redemption::WaitingSignUp,
    },
    domain::{DomainEvent, LoginKey, Result, UserId, user::Standing},
};

/// Answers concealed sign-ups by mail.
pub struct OnSignUpRequested {
    pub requests: Arc<dyn AnonymousRequests>,
    pub users: Arc<dyn UserRepository>,
    /// Sends the mails.
    pub mail_service: MailService,
}

impl OnSignUpRequested {
    /// Answers the sign-up that the event tells of, once however often the event comes. While the address
    /// is free the sign-up waits for its link; there is no account before. Otherwise it is forgotten: the
    /// owner of the address is told, and who is invited gets the invitation again.
    pub async fn execute(&self, event: &DomainEvent, remaining: Duration) -> Result<()> {
        let Some(waiting) = self.waiting(event).await? else {
            return Ok(());
        };
        let key = LoginKey::Email(waiting.email.clone());
        let Some(login) = self.users.find_login(&key).await? else {
            let letter = Letter {
                template: MailTemplate::SignUp,
                recipient: Recipient::SignUp(waiting.sign_up.user_id),
                address: &waiting.email,
                event,
                client_ip: waiting.source_address,
            };
            return self.mail_service.send(letter, remaining).await;
        };
        // The event came again after the link was used.
        if login.user_id != waiting.sign_up.user_id {
            self.tell_owner(login.user_id, &waiting, event, remaining)
                .await?;
        }
        self.requests.remove_sign_up(waiting.id).await
    }

    async fn waiting(&self, event: &DomainEvent) -> Result<Option<WaitingSignUp>> {
        let Some(id) = event.data.request_id else {
            return Ok(None);
        };
        let request = self.requests.find(id).await?;
        Ok(request.and_then(WaitingSignUp::of))
    }

    async fn tell_owner(
        &self,
        owner: UserId,
        waiting: &WaitingSignUp,
        event: &DomainEvent,
        remaining: Duration,
    ) -> Result<()> {
        let Some(owner) = self.users.find(owner).await? else {
            return Ok(());
        };
        let is_invited = owner.active && owner.standing == Standing::Invited;
        let letter = Letter {
            template: if is_invited {
                MailTemplate::Invitation
            } else {
                MailTemplate::AlreadyRegistered
            },
            recipient: Recipient::User(&owner),
            address: &owner.email,
            event,
            client_ip: waiting.source_address,
        };
        self.mail_service.send(letter, remaining).await
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::{
        OneTimeToken, Origin, PasswordHash, RequestId, TokenPurpose, UserId,
        mail::MailGuarantee,
        request::{AnonymousRequest, RequestKind, SignUp},
    };
    use testing::FakeBackend;

    use super::*;

    const REMAINING: Duration = Duration::from_secs(10);
    const ANN: &str = "ann@example.com";

    fn service(backend: &Arc<FakeBackend>) -> OnSignUpRequested {
        OnSignUpRequested {
            requests: backend.clone(),
            users: backend.clone(),
            mail_service: backend.mail_service(MailGuarantee::NeverLost),
        }
    }

    /// A concealed sign-up; another `seed` is another one.
    async fn request(backend: &Arc<FakeBackend>, seed: u8) -> DomainEvent {
        let metadata = backend.metadata();
        let id = UserId::new(metadata.now, [seed; 10]);
        let sign_up = RequestKind::SignUp(SignUp {
            user_id: id,
            name: "Ann".parse().unwrap(),
            password: PasswordHash::from_phc("hash"),
        });
        let id = RequestId::from(id.as_uuid());
        let (request, event) = AnonymousRequest::new(id, ANN.parse().unwrap(), sign_up, &metadata);
        backend.put(&request, &event).await.unwrap();
        event
    }

    /// The numbers of users, of pending requests and of mails.
    fn state(backend: &FakeBackend) -> (usize, usize, usize) {
        let pending = backend.pending_requests();
        (backend.users().len(), pending, backend.inbox().len())
    }

    async fn begin(backend: &Arc<FakeBackend>, token: &OneTimeToken) -> bool {
        let origin = Origin::system("test");
        backend.redemption().begin(token, &origin).await.is_ok()
    }

    #[tokio::test]
    async fn the_link_in_the_mail_makes_the_account_and_nothing_before() {
        let backend = FakeBackend::new();
        let event = request(&backend, 1).await;
        for _ in 0..2 {
            service(&backend).execute(&event, REMAINING).await.unwrap();
            assert_eq!(state(&backend), (0, 1, 1));
        }
        let mail = backend.inbox().remove(0);
        assert!(!mail.text.contains("Ann"), "what a stranger wrote");
        let token = backend.mailed_token().unwrap();
        assert_eq!(token.purpose, TokenPurpose::SignUp);
        assert!(begin(&backend, &token).await);
        let user = &backend.users()[0];
        assert!(user.email_verified && user.id == token.user_id);

        // The event comes once more: the owner is not told of the own sign-up.
        service(&backend).execute(&event, REMAINING).await.unwrap();
        assert_eq!(state(&backend), (1, 0, 1));
    }

    #[tokio::test]
    async fn several_sign_ups_wait_and_the_first_to_be_proven_wins() {
        let backend = FakeBackend::new();
        let mut tokens = Vec::new();
        for seed in [1, 2] {
            let event = request(&backend, seed).await;
            service(&backend).execute(&event, REMAINING).await.unwrap();
            tokens.push(backend.mailed_token().unwrap());
            backend.advance(Duration::from_mins(2));
        }
        assert_eq!(state(&backend), (0, 2, 2));
        assert!(begin(&backend, &tokens[1]).await);
        assert!(!begin(&backend, &tokens[0]).await);
    }

    #[tokio::test]
    async fn a_sign_up_lasts_as_long_as_its_link() {
        let backend = FakeBackend::new();
        let event = request(&backend, 1).await;
        service(&backend).execute(&event, REMAINING).await.unwrap();
        let token = backend.mailed_token().unwrap();
        backend.advance(
            TokenPurpose::SignUp
                .lifetime()
                .saturating_sub(Duration::from_secs(1)),
        );
        assert!(backend.redemption().check(&token).await.is_ok());
        backend.advance(Duration::from_secs(1));
        assert!(!begin(&backend, &token).await);
    }

    #[tokio::test]
    async fn the_owner_of_a_taken_address_is_told() {
        let backend = FakeBackend::new();
        backend.add_user(ANN).await;
        let event = request(&backend, 2).await;
        for _ in 0..2 {
            service(&backend).execute(&event, REMAINING).await.unwrap();
        }
        assert_eq!(state(&backend), (1, 0, 1));
        assert_eq!(backend.inbox()[0].subject, "Your account at Acme");
    }

    /// The person has one link, whoever asks for it: a second wish would only be in its way.
    #[tokio::test]
    async fn who_is_invited_gets_the_invitation_again() {
        let backend = FakeBackend::new();
        let ann = backend.add_unproven(ANN, Standing::Invited).await;
        let mut mails = Vec::new();
        for seed in [2, 3] {
            backend.advance(Duration::from_mins(1));
            let event = request(&backend, seed).await;
            for _ in 0..2 {
                service(&backend).execute(&event, REMAINING).await.unwrap();
            }
            mails.extend(backend.inbox().pop());
        }
        assert_eq!(state(&backend), (1, 0, 2));
        assert!(mails[0] == mails[1], "the same link");
        let token = backend.mailed_token().unwrap();
        let expected = (TokenPurpose::Invitation, ann.id);
        assert_eq!((token.purpose, token.user_id), expected);
        assert!(backend.redemption().check(&token).await.is_ok());

        backend.tamper(ann.id, |user| user.active = false);
        backend.advance(Duration::from_mins(1));
        let event = request(&backend, 4).await;
        service(&backend).execute(&event, REMAINING).await.unwrap();
        assert_eq!(backend.inbox()[2].subject, "Your account at Acme");
    }

    #[tokio::test]
    async fn a_sign_up_survives_every_fault() {
        let calls = FakeBackend::survives_every_fault(
            async |backend| request(backend, 1).await,
            async |backend, event| service(backend).execute(event, REMAINING).await,
            async |backend, _| {
                (1..=2).contains(&backend.inbox().len())
                    && begin(backend, &backend.mailed_token().unwrap()).await
            },
        )
        .await;
        assert!(calls.contains(&"mailer.send"), "{calls:?}");
    }
}
