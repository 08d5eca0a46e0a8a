//! The use case: somebody signs up, or an administrator creates a user.

use std::sync::Arc;

use serde_json::{Value, json};
use shared::{
    application::{
        idempotency::{Begun, Idempotency, IdempotencyKey},
        ports::{AnonymousRequests, Env, Lease, PasswordHasher, Purpose, UserRepository},
        rate_limit::RateLimiter,
    },
    domain::{
        Actor, Email, EventId, Name, NewPassword, Origin, PasswordHash, PasswordPolicy, Refusal,
        RequestId, Result, Roles, User, UserId,
        attempt::{AttemptKey, Limit, Scope},
        event::EventMetadata,
        request::{AnonymousRequest, RequestKind, SignUp},
        sign_up::SignUpPolicy,
        user::NewUser,
    },
};

/// Creates users.
pub struct CreateUser {
    /// Principal may.
    pub policy: SignUpPolicy,
    /// What passwords must satisfy.
    pub passwords: PasswordPolicy,
    /// Where users are kept.
    pub users: Arc<dyn UserRepository>,
    /// Where concealed requests are kept.
    pub requests: Arc<dyn AnonymousRequests>,
    /// Hashes passwords.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Limits how often.
    pub rate_limiter: RateLimiter,
    /// Sign-ups from one place, an hour.
    pub per_client_ip: Limit,
    /// Mails to one address, an hour: a concealed sign-up always sends one.
    pub mails_per_address: Limit,
    /// Knows repetitions.
    pub idempotency: Idempotency,
    /// Time and randomness.
    pub env: Env,
}

/// A user to be created.
#[derive(Debug)]
pub struct Command {
    /// Address.
    pub email: Email,
    /// Name.
    pub name: Name,
    /// Password.
    pub password: NewPassword,
    /// Principal asks, and from where.
    pub origin: Origin,
    /// Set by clients that may repeat the request.
    pub idempotency_key: Option<IdempotencyKey>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "one is made for each request, and moved twice"
)]
pub enum Outcome {
    /// There is a new user.
    Created(User),
    /// The request is noted. Nobody learns here whether it will come true.
    Accepted,
}

/// How a user comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignUpMode {
    /// An administrator creates it: as often as needed.
    ByAdmin,
    /// Somebody signs up, and is told if the address is taken.
    Open,
    /// Somebody signs up, and is never told.
    Concealed,
}

/// The ids of the user and its event, fixed before anything is written, so that whoever repeats the
/// request repeats it exactly.
#[derive(Clone, Copy)]
struct Reserved {
    user_id: UserId,
    event_id: EventId,
}

impl CreateUser {
    /// How a caller, of whom is known whether they administer, may create users.
    ///
    /// # Errors
    /// `Unauthenticated` or `Forbidden` where only administrators may.
    pub fn admit(&self, caller: Option<bool>) -> Result<SignUpMode> {
        match (self.policy, caller) {
            (_, Some(true)) => Ok(SignUpMode::ByAdmin),
            (SignUpPolicy::Open, _) => Ok(SignUpMode::Open),
            (SignUpPolicy::Concealed, _) => Ok(SignUpMode::Concealed),
            (SignUpPolicy::Admin, None) => Err(Refusal::Unauthenticated.into()),
            (SignUpPolicy::Admin, Some(false)) => Err(Refusal::Forbidden.into()),
        }
    }

    /// Carries out the command in this mode, once for each `Idempotency-Key`.
    ///
    /// # Errors
    /// `EmailTaken`, but never of a concealed sign-up; `TooManyRequests`, but never to administrators.
    pub async fn execute(&self, command: Command, mode: SignUpMode) -> Result<Outcome> {
        let fresh = self.reserve()?;
        let Some(idempotency_key) = &command.idempotency_key else {
            return self.carry_out(command, mode, fresh).await;
        };
        let actor = command.origin.actor;
        match self.begin(actor, idempotency_key, fresh).await? {
            Begun::Done(result) => self.recall(&result).await,
            Begun::Go(lease) => {
                let reserved = Reserved::from_json(&lease.reserved).unwrap_or(fresh);
                let outcome = self.carry_out(command, mode, reserved).await;
                self.conclude(&lease, outcome).await
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

    async fn begin(
        &self,
        actor: Actor,
        idempotency_key: &IdempotencyKey,
        reserved: Reserved,
    ) -> Result<Begun> {
        self.idempotency
            .begin(Purpose::SignUp, actor, idempotency_key, reserved.to_json())
            .await
    }

    async fn carry_out(
        &self,
        command: Command,
        mode: SignUpMode,
        ids: Reserved,
    ) -> Result<Outcome> {
        self.limit(&command, mode).await?;
        let password = self.hasher.hash(command.password.as_password()).await?;
        let metadata = EventMetadata {
            event_id: ids.event_id,
            ..self.env.metadata(command.origin)?
        };
        match mode {
            SignUpMode::Concealed => {
                // The same write whether or not the address is taken: its observer finds out.
                let id = RequestId::from(ids.user_id.as_uuid());
                let kind = RequestKind::SignUp(SignUp {
                    user_id: ids.user_id,
                    name: command.name,
                    password,
                });
                let (request, event) = AnonymousRequest::new(id, command.email, kind, &metadata);
                self.requests.put(&request, &event).await?;
                Ok(Outcome::Accepted)
            }
            SignUpMode::Open | SignUpMode::ByAdmin => {
                let new = new_user(ids.user_id, command.email, command.name, password);
                self.users
                    .commit(&User::create(new, &metadata))
                    .await
                    .map(Outcome::Created)
            }
        }
    }

    /// Spends a try, before anything is hashed.
    async fn limit(&self, command: &Command, mode: SignUpMode) -> Result<()> {
        let source = AttemptKey::of_client_ip(Scope::SignUp, command.origin.client_ip);
        let address = AttemptKey::of_address(Scope::MailTo, &command.email);
        let (source, address) = (
            (source, self.per_client_ip),
            (address, self.mails_per_address),
        );
        match mode {
            SignUpMode::ByAdmin => Ok(()),
            SignUpMode::Open => self.rate_limiter.acquire(&[source]).await,
            SignUpMode::Concealed => self.rate_limiter.acquire(&[source, address]).await,
        }
    }

    /// Records the outcome if it is final; lets the next repetition try again if it is not.
    async fn conclude(&self, lease: &Lease, outcome: Result<Outcome>) -> Result<Outcome> {
        match &outcome {
            Ok(Outcome::Created(user)) => {
                let result = json!({"status": "created", "userId": user.id});
                self.idempotency.settle(lease, &result).await?;
            }
            Ok(Outcome::Accepted) => {
                self.idempotency
                    .settle(lease, &json!({"status": "accepted"}))
                    .await?;
            }
            Err(shared::domain::Error::Refused(Refusal::EmailTaken)) => {
                self.idempotency
                    .settle(lease, &json!({"status": "taken"}))
                    .await?;
            }
            Err(_) => self.idempotency.release(lease).await?,
        }
        outcome
    }

    /// The first answer again. A record holds no body: the user is shown as it is now.
    async fn recall(&self, result: &Value) -> Result<Outcome> {
        match result["status"].as_str() {
            Some("accepted") => Ok(Outcome::Accepted),
            Some("taken") => Err(Refusal::EmailTaken.into()),
            _ => {
                let id = result["userId"].as_str().and_then(|id| id.parse().ok());
                let user = match id {
                    Some(id) => self.users.find(id).await?,
                    None => None,
                };
                user.map(Outcome::Created)
                    .ok_or_else(|| Refusal::NotFound.into())
            }
        }
    }
}

fn new_user(id: UserId, email: Email, name: Name, password: PasswordHash) -> NewUser {
    NewUser {
        id,
        email,
        name,
        password,
        roles: Roles::new(),
    }
}

impl Reserved {
    fn to_json(self) -> Value {
        json!({"userId": self.user_id, "eventId": self.event_id})
    }

    fn from_json(value: &Value) -> Option<Self> {
        Some(Self {
            user_id: value["userId"].as_str()?.parse().ok()?,
            event_id: value["eventId"].as_str()?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests;
