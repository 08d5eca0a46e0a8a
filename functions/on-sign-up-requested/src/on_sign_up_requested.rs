//! The use case: a concealed sign-up comes true, or the owner of the address hears of it.

use std::{sync::Arc, time::Duration};

use shared::{
    domain::{
        DomainEvent, Error, EventId, LoginKey, Origin, Refusal, Result, Roles, User,
        change::Occasion, sign_up::SignUpRequest, user::NewUser,
    },
    mailing::{Courier, Letter, Stationery},
    ports::{Circumstances, SignUpRequests, UserRepository},
};

/// Carries out concealed sign-ups.
pub struct OnSignUpRequested {
    /// Where the wishes are kept.
    pub requests: Arc<dyn SignUpRequests>,
    /// Where users are kept.
    pub users: Arc<dyn UserRepository>,
    /// Sends the mail to an owner.
    pub courier: Courier,
    /// What mails look like.
    pub stationery: Stationery,
    /// Time and randomness.
    pub circumstances: Circumstances,
}

impl OnSignUpRequested {
    /// Carries out the wish that the event tells of, once however often the event comes, and forgets
    /// it.
    pub async fn execute(&self, event: &DomainEvent, remaining: Duration) -> Result<()> {
        let Some(id) = event.data.request_id else {
            return Ok(());
        };
        let Some(request) = self.requests.find(id).await? else {
            return Ok(());
        };
        match self.create(&request).await {
            Ok(_) => {}
            Err(Error::Refused(Refusal::EmailTaken)) => {
                self.tell_owner(&request, event, remaining).await?
            }
            Err(error) => return Err(error),
        }
        self.requests.remove(id).await
    }

    async fn create(&self, request: &SignUpRequest) -> Result<User> {
        let origin = Origin {
            source: request.source_address,
            ..Origin::system(request.id)
        };
        let occasion = Occasion {
            // The same at each repetition, so that the write is known again.
            event_id: EventId::from(request.id.as_uuid()),
            ..self.circumstances.occasion(origin)?
        };
        let new = NewUser {
            id: request.user_id,
            email: request.email.clone(),
            name: request.name.clone(),
            password: request.password.clone(),
            roles: Roles::new(),
        };
        self.users.commit(&User::create(new, &occasion)).await
    }

    async fn tell_owner(
        &self,
        request: &SignUpRequest,
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
        let mail = Letter::AlreadyRegistered.write(&self.stationery, &owner.email, &owner.name)?;
        self.courier
            .deliver(event.id, Letter::AlreadyRegistered, &mail, remaining)
            .await
    }
}
