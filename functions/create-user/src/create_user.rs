//! The use case: a person signs up, or an administrator invites one.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shared::{
    application::{
        idempotency::{Idempotency, IdempotencyKey, Once},
        ports::{AnonymousRequests, Env, PasswordHasher, Purpose, UserRepository},
        sign_up_limiter::SignUpLimiter,
    },
    domain::{
        Email, Error, EventId, Name, Origin, Password, PasswordHash, PasswordPolicy, Refusal,
        RequestId, Result, Roles, User, UserId,
        event::EventMetadata,
        request::{AnonymousRequest, RequestKind, SignUp},
        sign_up::SignUpPolicy,
        user::{Invitee, NewUser},
    },
};

pub struct CreateUser {
    /// Who may create users.
    pub policy: SignUpPolicy,
    /// What passwords must satisfy.
    pub passwords: PasswordPolicy,
    pub users: Arc<dyn UserRepository>,
    /// Where concealed sign-ups are kept.
    pub requests: Arc<dyn AnonymousRequests>,
    pub hasher: Arc<dyn PasswordHasher>,
    pub sign_ups: SignUpLimiter,
    /// Executes each request once.
    pub idempotency: Idempotency,
    pub env: Env,
}

/// A user to be created.
#[derive(Debug)]
pub struct Command {
    /// How the user is created.
    pub kind: Kind,
    /// Address.
    pub email: Email,
    pub name: Name,
    /// Who sends the command, and from where.
    pub origin: Origin,
    /// Sent by clients that may repeat the request.
    pub idempotency_key: Option<IdempotencyKey>,
}

/// How a user is created. Passwords are as they were typed: the policy judges them after the limit.
#[derive(Debug)]
pub enum Kind {
    /// By somebody who learns if the address is taken.
    SignUp(Password),
    /// By somebody who never learns that.
    Concealed(Password),
    /// By an administrator, without limits. The invited person alone will know the password.
    Invitation,
}

/// What the command came to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "one is made for each request, and moved twice"
)]
pub enum Outcome {
    Created(User),
    /// The sign-up was noted. The caller does not learn whether it will succeed.
    Accepted,
}

/// The ids of the user and its event, fixed before anything is written, so that a repetition writes
/// the same.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reserved {
    user_id: UserId,
    event_id: EventId,
}

/// The outcome as it is recorded: without personal data.
#[derive(Serialize, Deserialize)]
#[serde(
    tag = "status",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
enum Record {
    Created { user_id: UserId },
    Accepted,
    Taken,
}

impl Record {
    /// `None` if the outcome is not final.
    fn of(outcome: &Result<Outcome>) -> Option<Self> {
        match outcome {
            Ok(Outcome::Created(user)) => Some(Self::Created { user_id: user.id }),
            Ok(Outcome::Accepted) => Some(Self::Accepted),
            Err(Error::Refused(Refusal::EmailTaken)) => Some(Self::Taken),
            Err(_) => None,
        }
    }
}

impl CreateUser {
    /// Creates the user, once for each `Idempotency-Key`.
    ///
    /// # Errors
    /// `EmailTaken`, but never of a concealed sign-up; `TooManyRequests`, but never to administrators;
    /// `PasswordRejected` by the policy.
    pub async fn execute(&self, command: Command) -> Result<Outcome> {
        let reserved = self.reserve()?;
        let Some(key) = command.idempotency_key.clone() else {
            return self.create(command, reserved).await;
        };
        let request = (Purpose::SignUp, command.origin.actor, &key);
        let create = |reserved| self.create(command, reserved);
        let once = self.idempotency.once(request, reserved, create, Record::of);
        match once.await? {
            Once::First(outcome) => Ok(outcome),
            Once::Again(Record::Accepted) => Ok(Outcome::Accepted),
            Once::Again(Record::Taken) => Err(Refusal::EmailTaken.into()),
            // The user as it is now.
            Once::Again(Record::Created { user_id }) => {
                let user = self.users.find(user_id).await?;
                Ok(Outcome::Created(user.ok_or(Refusal::NotFound)?))
            }
        }
    }

    fn reserve(&self) -> Result<Reserved> {
        let now = self.env.clock.now();
        Ok(Reserved {
            user_id: UserId::new(now, self.env.random.bytes()?),
            event_id: EventId::new(now, self.env.random.bytes()?),
        })
    }

    async fn create(&self, command: Command, reserved: Reserved) -> Result<Outcome> {
        self.limit(&command).await?;
        let Reserved { user_id, event_id } = reserved;
        let metadata = EventMetadata {
            event_id,
            ..self.env.metadata(command.origin)?
        };
        let (email, name) = (command.email, command.name);
        let change = match command.kind {
            Kind::Concealed(password) => {
                let password = self.hash(&password, &email, &name).await?;
                // The same write whether or not the address is taken: its observer finds out.
                let id = RequestId::from(user_id.as_uuid());
                let kind = RequestKind::SignUp(SignUp {
                    user_id,
                    name,
                    password,
                });
                let (request, event) = AnonymousRequest::new(id, email, kind, &metadata);
                self.requests.put(&request, &event).await?;
                return Ok(Outcome::Accepted);
            }
            Kind::SignUp(password) => {
                let password = self.hash(&password, &email, &name).await?;
                let new = NewUser {
                    id: user_id,
                    email,
                    name,
                    password,
                    roles: Roles::new(),
                };
                User::create(new, &metadata)
            }
            Kind::Invitation => {
                let id = user_id;
                User::invite(Invitee { id, email, name }, &metadata)
            }
        };
        Ok(Outcome::Created(self.users.commit(&change).await?))
    }

    /// The hash of a password; one that is made of the user's address or name is weak.
    async fn hash(&self, password: &Password, email: &Email, name: &Name) -> Result<PasswordHash> {
        let context = [email.as_str(), name.as_str()];
        let chosen = self.passwords.choose(password.expose(), &context);
        let chosen = chosen.map_err(Error::PasswordRejected)?;
        self.hasher.hash(chosen.as_password()).await
    }

    /// Counts the sign-up, before anything is judged or hashed.
    async fn limit(&self, command: &Command) -> Result<()> {
        match command.kind {
            Kind::Invitation => Ok(()),
            Kind::SignUp(_) | Kind::Concealed(_) => self.sign_ups.acquire(&command.origin).await,
        }
    }
}

#[cfg(test)]
mod tests;
