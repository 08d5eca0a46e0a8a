//! The use case: somebody signs up, or an administrator creates a user.

use std::sync::Arc;

use serde_json::{Value, json};
use shared::{
    domain::{
        Actor, Email, EventId, Name, NewPassword, Origin, PasswordHash, PasswordPolicy, Refusal,
        RequestId, Result, Roles, User, UserId,
        change::Occasion,
        request::{AnonymousRequest, RequestKind, SignUp},
        sign_up::SignUpPolicy,
        user::NewUser,
    },
    http::idempotency::{Begun, Idempotency, Repeatable},
    ports::{AnonymousRequests, Circumstances, Claim, PasswordHasher, Purpose, UserRepository},
};

/// Creates users.
pub struct CreateUser {
    /// Who may.
    pub policy: SignUpPolicy,
    /// What passwords must satisfy.
    pub passwords: PasswordPolicy,
    /// Where users are kept.
    pub users: Arc<dyn UserRepository>,
    /// Where concealed wishes are kept.
    pub requests: Arc<dyn AnonymousRequests>,
    /// Hashes passwords.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Knows repetitions.
    pub idempotency: Idempotency,
    /// Time and randomness.
    pub circumstances: Circumstances,
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
    /// Who asks, and from where.
    pub origin: Origin,
    /// Set by clients that may repeat the request.
    pub repeatable: Option<Repeatable>,
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
    /// The wish is noted. Nobody learns here whether it will come true.
    Accepted,
}

/// The ids of the user and its event, fixed before anything is written, so that whoever repeats the
/// request repeats it exactly.
#[derive(Clone, Copy)]
struct Reserved {
    user_id: UserId,
    event_id: EventId,
}

impl CreateUser {
    /// Whether this caller may create users at all, and learns whether an address is taken.
    ///
    /// # Errors
    /// `Unauthenticated` or `Forbidden` where only administrators may.
    pub fn admit(&self, caller: Option<bool>) -> Result<SignUpPolicy> {
        match (self.policy, caller) {
            (_, Some(true)) => Ok(SignUpPolicy::Open),
            (SignUpPolicy::Admin, None) => Err(Refusal::Unauthenticated.into()),
            (SignUpPolicy::Admin, Some(false)) => Err(Refusal::Forbidden.into()),
            (policy, _) => Ok(policy),
        }
    }

    /// Carries out the command as `policy` says, once for each `Idempotency-Key`.
    ///
    /// # Errors
    /// `EmailTaken`, but never under the concealed policy.
    pub async fn execute(&self, command: Command, policy: SignUpPolicy) -> Result<Outcome> {
        let fresh = self.reserve()?;
        let Some(repeatable) = &command.repeatable else {
            return self.carry_out(command, policy, fresh).await;
        };
        let actor = command.origin.actor;
        match self.begin(actor, repeatable, fresh).await? {
            Begun::Done(result) => self.recall(&result).await,
            Begun::Go(claim) => {
                let reserved = Reserved::from_json(&claim.reserved).unwrap_or(fresh);
                let outcome = self.carry_out(command, policy, reserved).await;
                self.conclude(&claim, outcome).await
            }
        }
    }

    fn reserve(&self) -> Result<Reserved> {
        let now = self.circumstances.clock.now();
        Ok(Reserved {
            user_id: UserId::new(now, self.circumstances.entropy.bytes()?),
            event_id: EventId::new(now, self.circumstances.entropy.bytes()?),
        })
    }

    async fn begin(
        &self,
        actor: Actor,
        repeatable: &Repeatable,
        reserved: Reserved,
    ) -> Result<Begun> {
        self.idempotency
            .begin(Purpose::SignUp, actor, repeatable, reserved.to_json())
            .await
    }

    async fn carry_out(
        &self,
        command: Command,
        policy: SignUpPolicy,
        ids: Reserved,
    ) -> Result<Outcome> {
        let password = self.hasher.hash(command.password.as_password()).await?;
        let occasion = Occasion {
            event_id: ids.event_id,
            ..self.circumstances.occasion(command.origin)?
        };
        match policy {
            SignUpPolicy::Concealed => {
                // The same write whether or not the address is taken: its observer finds out.
                let id = RequestId::from(ids.user_id.as_uuid());
                let kind = RequestKind::SignUp(SignUp {
                    user_id: ids.user_id,
                    name: command.name,
                    password,
                });
                let (request, event) = AnonymousRequest::new(id, command.email, kind, &occasion);
                self.requests.put(&request, &event).await?;
                Ok(Outcome::Accepted)
            }
            SignUpPolicy::Open | SignUpPolicy::Admin => {
                let new = new_user(ids.user_id, command.email, command.name, password);
                self.users
                    .commit(&User::create(new, &occasion))
                    .await
                    .map(Outcome::Created)
            }
        }
    }

    /// Records the outcome if it is final; lets the next repetition try again if it is not.
    async fn conclude(&self, claim: &Claim, outcome: Result<Outcome>) -> Result<Outcome> {
        match &outcome {
            Ok(Outcome::Created(user)) => {
                let result = json!({"status": "created", "userId": user.id});
                self.idempotency.settle(claim, &result).await?;
            }
            Ok(Outcome::Accepted) => {
                self.idempotency
                    .settle(claim, &json!({"status": "accepted"}))
                    .await?;
            }
            Err(shared::domain::Error::Refused(Refusal::EmailTaken)) => {
                self.idempotency
                    .settle(claim, &json!({"status": "taken"}))
                    .await?;
            }
            Err(_) => self.idempotency.release(claim).await?,
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
mod tests {
    use shared::{
        adapters::memory::{Fault, World},
        domain::{Error, EventKind},
        http::{Access, Gate, answer, sample::Sample},
    };

    use super::*;
    use crate::handler;

    fn service(world: &Arc<World>, policy: SignUpPolicy) -> Arc<CreateUser> {
        Arc::new(CreateUser {
            policy,
            passwords: PasswordPolicy::default(),
            users: world.clone(),
            requests: world.clone(),
            hasher: world.clone(),
            idempotency: Idempotency::new(world.clone(), world.clone(), world.clone()),
            circumstances: world.circumstances(),
        })
    }

    fn body(email: &str) -> Value {
        json!({"email": email, "name": "Ann Example", "password": "correct horse battery staple"})
    }

    async fn post(service: &Arc<CreateUser>, request: Sample) -> (u16, Value) {
        let request = request.into_request().unwrap();
        let response = answer(
            handler::ACCESS,
            &Gate::open(""),
            service.clone(),
            &handler::handle,
            request,
        )
        .await;
        let body = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
        (response.status().as_u16(), body)
    }

    fn sign_up(email: &str) -> Sample {
        Sample::new("POST", "/users").json(&body(email))
    }

    fn sign_up_once(email: &str) -> Sample {
        sign_up(email).header("idempotency-key", "key-1")
    }

    #[tokio::test]
    async fn a_sign_up_makes_a_user_and_an_event() {
        let world = World::new();
        let (status, user) = post(
            &service(&world, SignUpPolicy::Open),
            sign_up("Ann@Example.com"),
        )
        .await;
        assert_eq!(
            (status, &user["email"], &user["version"]),
            (201, &json!("ann@example.com"), &json!(1))
        );
        let events = world.outbox();
        assert_eq!(events.len(), 1);
        assert_eq!(
            (events[0].kind, events[0].user_id.unwrap().to_string()),
            (
                EventKind::UserCreated,
                user["id"].as_str().unwrap().to_owned()
            )
        );
        assert_eq!(
            world.trace(),
            ["hasher.hash", "users.commit"],
            "one hash and one transaction"
        );
    }

    #[tokio::test]
    async fn an_address_in_other_letters_is_taken() {
        let world = World::new();
        let service = service(&world, SignUpPolicy::Open);
        post(&service, sign_up("ann@example.com")).await;
        let (status, problem) = post(&service, sign_up("ANN@EXAMPLE.COM")).await;
        assert_eq!((status, &problem["code"]), (409, &json!("email-taken")));
        assert_eq!(world.outbox().len(), 1);
    }

    #[tokio::test]
    async fn every_wrong_field_is_pointed_at() {
        let world = World::new();
        let request = Sample::new("POST", "/users")
            .json(&json!({"email": "ann", "password": "password1", "admin": true}));
        let (status, problem) = post(&service(&world, SignUpPolicy::Open), request).await;
        assert_eq!(status, 422);
        let errors = problem["errors"].as_array().unwrap();
        let pointed: Vec<_> = errors
            .iter()
            .map(|error| {
                (
                    error["pointer"].as_str().unwrap(),
                    error["code"].as_str().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            pointed,
            [
                ("/email", "invalid-email"),
                ("/name", "required"),
                ("/password", "too-weak"),
                ("/admin", "unknown-field")
            ]
        );
        assert!(world.trace().is_empty(), "nothing was asked of the world");
    }

    #[tokio::test]
    async fn what_is_no_json_object_is_refused() {
        let world = World::new();
        let service = service(&world, SignUpPolicy::Open);
        let with = |kind: &str, text: &str| Sample::new("POST", "/users").body(kind, text);
        assert_eq!(post(&service, with("application/json", "{")).await.0, 400);
        assert_eq!(post(&service, with("application/json", "[]")).await.0, 400);
        assert_eq!(post(&service, with("text/plain", "{}")).await.0, 415);
        assert_eq!(post(&service, Sample::new("POST", "/users")).await.0, 415);
        let large = format!("{{\"name\":\"{}\"}}", "a".repeat(64 * 1024));
        assert_eq!(
            post(&service, with("application/json", &large)).await.0,
            413
        );
        assert_eq!(
            post(&service, with("application/json; charset=utf-8", "{}"))
                .await
                .0,
            422
        );
    }

    #[tokio::test]
    async fn a_repetition_gives_the_first_answer() {
        let world = World::new();
        let service = service(&world, SignUpPolicy::Open);
        let first = post(&service, sign_up_once("ann@example.com")).await;
        assert_eq!(first.0, 201);
        assert_eq!(post(&service, sign_up_once("ann@example.com")).await, first);
        let (status, problem) = post(&service, sign_up_once("bob@example.com")).await;
        assert_eq!(
            (status, &problem["code"]),
            (422, &json!("idempotency-key-reused"))
        );
        assert_eq!(world.users().len(), 1);
    }

    #[tokio::test]
    async fn a_refusal_is_repeated_too() {
        let world = World::new();
        let service = service(&world, SignUpPolicy::Open);
        post(&service, sign_up("ann@example.com")).await;
        assert_eq!(post(&service, sign_up_once("ann@example.com")).await.0, 409);
        assert_eq!(post(&service, sign_up_once("ann@example.com")).await.0, 409);
    }

    #[tokio::test]
    async fn a_concealed_sign_up_does_the_same_for_any_address() {
        let world = World::new();
        post(
            &service(&world, SignUpPolicy::Open),
            sign_up("ann@example.com"),
        )
        .await;
        let concealed = service(&world, SignUpPolicy::Concealed);
        world.clear_trace();
        let taken = post(&concealed, sign_up("ann@example.com")).await;
        let trace = world.trace();
        world.clear_trace();
        let free = post(&concealed, sign_up("bob@example.com")).await;
        assert_eq!((taken.0, &taken), (202, &free));
        assert_eq!(trace, ["hasher.hash", "requests.put"]);
        assert_eq!(world.trace(), trace);
    }

    #[tokio::test]
    async fn only_administrators_create_users_under_the_admin_policy() {
        let world = World::new();
        let closed = service(&world, SignUpPolicy::Admin);
        assert_eq!(post(&closed, sign_up("ann@example.com")).await.0, 401);
        assert!(matches!(
            closed.admit(Some(false)),
            Err(Error::Refused(Refusal::Forbidden))
        ));
        assert!(closed.admit(Some(true)).is_ok());
        assert_eq!(handler::ACCESS, Access::AnyoneOrCaller);
    }

    /// Whatever fails wherever, a client that repeats its request with its key gets its user, and
    /// there is one user with one event.
    #[tokio::test]
    async fn a_sign_up_survives_every_fault() {
        let tried = World::try_every_fault(async |fault: Fault| {
            let world = World::new();
            let service = service(&world, SignUpPolicy::Open);
            let command = || Command {
                email: "ann@example.com".parse().unwrap(),
                name: "Ann".parse().unwrap(),
                password: PasswordPolicy::default()
                    .choose("correct horse battery staple", &[])
                    .unwrap(),
                origin: Origin::system("test"),
                repeatable: Some(Repeatable::new("key-1", b"{}")),
            };
            let (_, fired) = world
                .with_fault(fault, service.execute(command(), SignUpPolicy::Open))
                .await;
            // The dead worker's lease runs out.
            world.advance(std::time::Duration::from_secs(16));
            let again = service
                .execute(command(), SignUpPolicy::Open)
                .await
                .unwrap();
            let users = world.users();
            assert_eq!(again, Outcome::Created(users[0].clone()), "{fault:?}");
            assert_eq!((users.len(), world.outbox().len()), (1, 1), "{fault:?}");
            fired
        })
        .await;
        assert!(
            tried >= 4 * 5,
            "claims, hash, commit and secrets were each made to fail: {tried}"
        );
    }
}
