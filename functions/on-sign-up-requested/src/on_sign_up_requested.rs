//! The use case: a concealed sign-up comes true, or the owner of the address hears of it.

use std::{sync::Arc, time::Duration};

use shared::{
    application::{
        mail::{Letter, Post},
        ports::{AnonymousRequests, Circumstances, UserRepository},
    },
    domain::{
        DomainEvent, Error, EventId, LoginKey, Origin, Refusal, Result, Roles, User,
        change::Occasion,
        request::{AnonymousRequest, RequestKind, SignUp},
        user::NewUser,
    },
};

/// Carries out concealed sign-ups.
pub struct OnSignUpRequested {
    /// Where the wishes are kept.
    pub requests: Arc<dyn AnonymousRequests>,
    /// Where users are kept.
    pub users: Arc<dyn UserRepository>,
    /// Sends the mail to an owner.
    pub post: Post,
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
            source: request.source_address,
            ..Origin::system(request.id)
        };
        let occasion = Occasion {
            // The same at each repetition, so that the write is known again.
            event_id: EventId::from(request.id.as_uuid()),
            ..self.circumstances.occasion(origin)?
        };
        let new = NewUser {
            id: sign_up.user_id,
            email: request.email.clone(),
            name: sign_up.name.clone(),
            password: sign_up.password.clone(),
            roles: Roles::new(),
        };
        self.users.commit(&User::create(new, &occasion)).await
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
        let letter = Letter::AlreadyRegistered;
        self.post
            .send(letter, &owner, &owner.email, event, remaining)
            .await
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::{PasswordHash, RequestId, UserId, mail::MailGuarantee};
    use testing::{Fault, World};

    use super::*;

    const REMAINING: Duration = Duration::from_secs(10);

    fn service(world: &Arc<World>) -> OnSignUpRequested {
        OnSignUpRequested {
            requests: world.clone(),
            users: world.clone(),
            post: world.post(MailGuarantee::NeverLost),
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
        let sign_up = RequestKind::SignUp(SignUp {
            user_id: id,
            name: "Ann".parse().unwrap(),
            password: PasswordHash::from_phc("hash"),
        });
        let (request, event) = AnonymousRequest::new(
            RequestId::from(id.as_uuid()),
            "ann@example.com".parse().unwrap(),
            sign_up,
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
                world.pending_requests(),
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
        assert_eq!((world.users().len(), world.pending_requests()), (1, 0));
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
                    world.pending_requests(),
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
