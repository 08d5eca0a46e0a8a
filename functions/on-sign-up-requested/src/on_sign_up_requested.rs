//! The use case: a concealed sign-up comes true, or the owner of the address hears of it.

use std::{sync::Arc, time::Duration};

use shared::{
    application::{
        mail::{Letter, MailService, MailTemplate},
        ports::{AnonymousRequests, Env, UserRepository},
    },
    domain::{
        DomainEvent, Error, EventId, LoginKey, Origin, Refusal, Result, Roles, User,
        event::EventMetadata,
        request::{AnonymousRequest, RequestKind, SignUp},
        user::{NewUser, Standing},
    },
};

/// Carries out concealed sign-ups.
pub struct OnSignUpRequested {
    pub requests: Arc<dyn AnonymousRequests>,
    pub users: Arc<dyn UserRepository>,
    /// Sends the mail to an owner.
    pub mail_service: MailService,
    pub env: Env,
}

impl OnSignUpRequested {
    /// Carries out the request that the event tells of, once however often the event comes, and forgets
    /// it.
    pub async fn execute(&self, event: &DomainEvent, remaining: Duration) -> Result<()> {
        let Some(id) = event.data.request_id else {
            return Ok(());
        };
        let Some(request) = self.requests.find(id).await? else {
            return Ok(());
        };
        let RequestKind::SignUp(sign_up) = &request.kind else {
            return Ok(());
        };
        match self.create(&request, sign_up).await {
            Ok(_) => {}
            Err(Error::Refused(Refusal::EmailTaken)) => {
                self.tell_owner(&request, event, remaining).await?;
            }
            Err(error) => return Err(error),
        }
        self.requests.remove(id).await
    }

    async fn create(&self, request: &AnonymousRequest, sign_up: &SignUp) -> Result<User> {
        let origin = Origin {
            client_ip: request.source_address,
            ..Origin::system(request.id)
        };
        let metadata = EventMetadata {
            // The same at each repetition, so that the write is known again.
            event_id: EventId::from(request.id.as_uuid()),
            ..self.env.metadata(origin)?
        };
        let new = NewUser {
            standing: Standing::Provisional,
            id: sign_up.user_id,
            email: request.email.clone(),
            name: sign_up.name.clone(),
            password: sign_up.password.clone(),
            roles: Roles::new(),
        };
        self.users.commit(&User::create(new, &metadata)).await
    }

    async fn tell_owner(
        &self,
        request: &AnonymousRequest,
        event: &DomainEvent,
        remaining: Duration,
    ) -> Result<()> {
        let Some(login) = self
            .users
            .find_login(&LoginKey::Email(request.email.clone()))
            .await?
        else {
            return Err(Error::internal("the address was taken and is free again"));
        };
        let Some(owner) = self.users.find(login.user_id).await? else {
            return Ok(());
        };
        let letter = Letter {
            template: MailTemplate::AlreadyRegistered,
            user: &owner,
            address: &owner.email,
            event,
            client_ip: request.source_address,
        };
        self.mail_service.send(letter, remaining).await
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::{PasswordHash, RequestId, UserId, mail::MailGuarantee};
    use testing::FakeBackend;

    use super::*;

    const REMAINING: Duration = Duration::from_secs(10);

    fn service(backend: &Arc<FakeBackend>) -> OnSignUpRequested {
        OnSignUpRequested {
            requests: backend.clone(),
            users: backend.clone(),
            mail_service: backend.mail_service(MailGuarantee::NeverLost),
            env: backend.env(),
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
        let (request, event) = AnonymousRequest::new(
            RequestId::from(id.as_uuid()),
            "ann@example.com".parse().unwrap(),
            sign_up,
            &metadata,
        );
        backend.put(&request, &event).await.unwrap();
        event
    }

    /// The numbers of users, of pending requests and of mails.
    fn state(backend: &FakeBackend) -> (usize, usize, usize) {
        let pending = backend.pending_requests();
        (backend.users().len(), pending, backend.inbox().len())
    }

    #[tokio::test]
    async fn a_free_address_becomes_a_user() {
        let backend = FakeBackend::new();
        let event = request(&backend, 1).await;
        service(&backend).execute(&event, REMAINING).await.unwrap();
        assert_eq!(state(&backend), (1, 0, 0));
    }

    #[tokio::test]
    async fn the_owner_of_a_taken_address_is_told() {
        let backend = FakeBackend::new();
        let first = request(&backend, 1).await;
        service(&backend).execute(&first, REMAINING).await.unwrap();
        let second = request(&backend, 2).await;
        service(&backend).execute(&second, REMAINING).await.unwrap();
        service(&backend).execute(&second, REMAINING).await.unwrap();
        assert_eq!(state(&backend), (1, 0, 1));
        assert_eq!(backend.inbox()[0].subject, "Your account at Acme");
    }
    #[tokio::test]
    async fn a_sign_up_survives_every_fault() {
        let calls = FakeBackend::survives_every_fault(
            async |backend| request(backend, 1).await,
            async |backend, event| service(backend).execute(event, REMAINING).await,
            async |backend, _| state(backend) == (1, 0, 0),
        )
        .await;
        assert_eq!(calls.len(), 3, "{calls:?}");
    }
}
