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
                self.tell_owner(&request, event, remaining).await?;
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

#[cfg(test)]
mod tests {
    use shared::{
        adapters::memory::{Fault, World},
        domain::{PasswordHash, RequestId, UserId, mail::MailGuarantee},
    };

    use super::*;

    const REMAINING: Duration = Duration::from_secs(10);

    fn service(world: &Arc<World>) -> OnSignUpRequested {
        OnSignUpRequested {
            requests: world.clone(),
            users: world.clone(),
            courier: Courier {
                claims: world.clone(),
                mailer: world.clone(),
                guarantee: MailGuarantee::NeverLost,
            },
            stationery: Stationery {
                product: "Acme".to_owned(),
                app_url: "https://app.example.com".to_owned(),
            },
            circumstances: world.circumstances(),
        }
    }

    /// Somebody wishes to sign up; `seed` tells wishes apart.
    async fn wish(world: &Arc<World>, seed: u8) -> DomainEvent {
        let occasion = world
            .circumstances()
            .occasion(Origin::system("test"))
            .unwrap();
        let id = UserId::new(occasion.now, [seed; 10]);
        let (request, event) = SignUpRequest::new(
            RequestId::from(id.as_uuid()),
            id,
            "ann@example.com".parse().unwrap(),
            "Ann".parse().unwrap(),
            PasswordHash::from_phc("hash"),
            &occasion,
        );
        world.put(&request, &event).await.unwrap();
        event
    }

    #[tokio::test]
    async fn a_free_address_becomes_a_user() {
        let world = World::new();
        let event = wish(&world, 1).await;
        service(&world).execute(&event, REMAINING).await.unwrap();
        assert_eq!(
            (
                world.users().len(),
                world.pending_sign_ups(),
                world.inbox().len()
            ),
            (1, 0, 0)
        );
    }

    #[tokio::test]
    async fn the_owner_of_a_taken_address_hears_of_it() {
        let world = World::new();
        let first = wish(&world, 1).await;
        service(&world).execute(&first, REMAINING).await.unwrap();
        let second = wish(&world, 2).await;
        service(&world).execute(&second, REMAINING).await.unwrap();
        service(&world).execute(&second, REMAINING).await.unwrap();
        assert_eq!((world.users().len(), world.pending_sign_ups()), (1, 0));
        let inbox = world.inbox();
        assert_eq!(
            (inbox.len(), inbox[0].subject.as_str()),
            (1, "Your account at Acme")
        );
    }

    #[tokio::test]
    async fn a_wish_survives_every_fault() {
        let tried = World::try_every_fault(async |fault: Fault| {
            let world = World::new();
            let event = wish(&world, 1).await;
            let (_, fired) = world
                .with_fault(fault, service(&world).execute(&event, REMAINING))
                .await;
            service(&world).execute(&event, REMAINING).await.unwrap();
            assert_eq!(
                (
                    world.users().len(),
                    world.pending_sign_ups(),
                    world.inbox().len()
                ),
                (1, 0, 0),
                "{fault:?}"
            );
            fired
        })
        .await;
        assert_eq!(tried, 4 * 3, "three calls, each with four faults");
    }
}
