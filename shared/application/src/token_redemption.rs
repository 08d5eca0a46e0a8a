//! Changes which a one-time token permits.

use std::{net::IpAddr, ops::ControlFlow, sync::Arc};

use domain::{
    Actor, Change, Email, Error, LoginKey, Name, OneTimeToken, Origin, PasswordHash, Refusal,
    RequestId, Result, Roles, TokenPurpose, User,
    attempt::{AttemptKey, Scope},
    error::Causes,
    event::EventMetadata,
    request::{AnonymousRequest, RequestKind, SignUp},
    token::{TokenBinding, TokenUse},
    user::NewUser,
};

use crate::{
    known_ring::KnownRing,
    ports::{AnonymousRequests, Env, OneTimeTokens, UserRepository},
    rate_limit::RateLimiter,
    user_updates,
};

/// Changes users who redeem a one-time token, and creates those whose sign-up waits for one.
#[derive(Clone)]
pub struct TokenRedemption {
    pub users: Arc<dyn UserRepository>,
    /// Says whether a token is still good, or was used.
    pub tokens: Arc<dyn OneTimeTokens>,
    /// Counts repetitions.
    pub rate_limiter: RateLimiter,
    /// Where concealed sign-ups wait.
    pub requests: Arc<dyn AnonymousRequests>,
    /// Says which tokens are of this epoch of the deployment.
    pub ring: Arc<KnownRing>,
    pub env: Env,
}

/// Whom a token is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    User(User),
    SignUp(WaitingSignUp),
}

/// A concealed sign-up that waits for the proof of its address. There is no account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingSignUp {
    pub id: RequestId,
    /// The address to be proven.
    pub email: Email,
    pub sign_up: SignUp,
    /// The client IP of the sign-up.
    pub source_address: Option<IpAddr>,
}

impl WaitingSignUp {
    /// The sign-up that `request` is; none if it asks for another thing.
    pub fn of(request: AnonymousRequest) -> Option<Self> {
        let AnonymousRequest {
            id,
            email,
            kind,
            source_address,
            ..
        } = request;
        match kind {
            RequestKind::SignUp(sign_up) => Some(Self {
                id,
                email,
                sign_up,
                source_address,
            }),
            RequestKind::PasswordReset | RequestKind::EmailVerification => None,
        }
    }
}

impl Subject {
    /// The address which the token proves.
    pub fn email(&self) -> &Email {
        match self {
            Self::User(user) => &user.email,
            Self::SignUp(waiting) => &waiting.email,
        }
    }

    /// What a token for `purpose` must be bound to.
    ///
    /// # Errors
    /// `TokenExpired` if there is nothing that it could do.
    fn binding(&self, purpose: TokenPurpose) -> Result<TokenBinding> {
        let binding = match self {
            Self::User(user) => TokenBinding::of(user, purpose),
            Self::SignUp(waiting) => Some(TokenBinding::of_sign_up(waiting.email.clone())),
        };
        binding.ok_or_else(|| Refusal::TokenExpired.into())
    }
}

impl TokenRedemption {
    /// The user or the sign-up that the token is about, if it is good now.
    ///
    /// # Errors
    /// `TokenExpired` if it is not, or if the user is gone or not active.
    pub async fn check(&self, token: &OneTimeToken) -> Result<Subject> {
        let subject = self.find(token).await?;
        let binding = subject.binding(token.purpose)?;
        let spend = self.spend(token, &binding).await?;
        if self.tokens.is_good(&spend).await? {
            Ok(subject)
        } else {
            Err(Refusal::TokenExpired.into())
        }
    }

    /// Commits what `change` makes of the user and uses the token up: both or neither. `change` gets
    /// the password hash of the present address if the token is for another one. The actor is the user:
    /// who reads the mail.
    ///
    /// # Errors
    /// `TokenExpired` if the token is not good, or if the user is gone or not active; `EmailTaken` if
    /// another user has the address to be claimed; and those of `change`.
    pub async fn redeem(
        &self,
        token: &OneTimeToken,
        origin: Origin,
        change: impl Fn(&User, Option<PasswordHash>, &EventMetadata) -> Result<Change> + Send + Sync,
    ) -> Result<User> {
        let origin = Origin {
            actor: Actor::User(token.user_id),
            ..origin
        };
        let (origin, change) = (&origin, &change);
        self.commit(token, |subject| async move {
            let Subject::User(user) = subject else {
                return Err(Refusal::TokenExpired.into());
            };
            let password = self.password(&user, token.purpose).await?;
            change(&user, password, &self.env.metadata(origin.clone())?)
        })
        .await
    }

    /// Makes the account of a sign-up that waits, with the password which was chosen then, and uses the
    /// token up: both or neither.
    ///
    /// # Errors
    /// `TokenExpired` if the token is not good, or another has the address.
    pub async fn begin(&self, token: &OneTimeToken, origin: &Origin) -> Result<User> {
        let create = |subject| async move {
            let Subject::SignUp(waiting) = subject else {
                return Err(Refusal::TokenExpired.into());
            };
            let SignUp { name, password, .. } = waiting.sign_up.clone();
            self.account_of(&waiting, name, password, origin)
        };
        self.commit(token, create).await
    }

    /// The creation of the account of a sign-up that waits: whoever reads its mail is the user.
    pub(crate) fn account_of(
        &self,
        waiting: &WaitingSignUp,
        name: Name,
        password: PasswordHash,
        origin: &Origin,
    ) -> Result<Change> {
        let new = NewUser {
            id: waiting.sign_up.user_id,
            email: waiting.email.clone(),
            name,
            password,
            roles: Roles::new(),
        };
        let metadata = self.env.metadata(Origin {
            actor: Actor::User(new.id),
            ..origin.clone()
        })?;
        Ok(User::create_proven(new, &metadata))
    }

    /// Commits what `decide` makes of the user or the sign-up, and uses the token up: both or neither.
    ///
    /// # Errors
    /// As [`TokenRedemption::redeem`]; of a sign-up `TokenExpired` also if the address was taken
    /// meanwhile: only the first of several becomes an account.
    pub(crate) async fn commit<F>(
        &self,
        token: &OneTimeToken,
        decide: impl Fn(Subject) -> F + Send + Sync,
    ) -> Result<User>
    where
        F: Future<Output = Result<Change>> + Send,
    {
        let decide = &decide;
        let committed = user_updates::commit(&*self.users, &self.env, || async move {
            let subject = self.find(token).await?;
            let binding = subject.binding(token.purpose)?;
            let spend = self.spend(token, &binding).await?;
            Ok(ControlFlow::Continue(
                decide(subject).await?.spending(spend),
            ))
        });
        match committed.await {
            // Another sign-up with the address was first, or this one is an account already.
            Err(Error::Refused(Refusal::EmailTaken | Refusal::VersionConflict))
                if token.purpose == TokenPurpose::SignUp =>
            {
                Err(Refusal::TokenExpired.into())
            }
            outcome => outcome,
        }
    }

    /// The user who redeemed the token before: what it permits is done. The caller compares what else the
    /// request carries, which may be a guess; so each repetition is counted.
    ///
    /// # Errors
    /// `TokenExpired` if the token was not used, is not the newest or has expired since, or if the user
    /// is gone or not active; `TooManyRequests` after ten repetitions in an hour.
    pub async fn redeemed(&self, token: &OneTimeToken) -> Result<User> {
        let now = self.env.clock.now();
        if !self.tokens.is_used(token, now).await? {
            return Err(Refusal::TokenExpired.into());
        }
        let repetition = AttemptKey::of_receipt(Scope::Repetition, &token.receipt());
        self.rate_limiter.acquire_repetition(repetition).await?;
        self.active_user(token).await
    }

    /// Removes a sign-up. If that fails it goes when its time is over.
    pub async fn forget(&self, waiting: &WaitingSignUp) {
        if let Err(error) = self.requests.remove_sign_up(waiting.id).await {
            tracing::warn!(error = %Causes(&error), "a sign-up stays until it expires");
        }
    }

    /// The use of the token now, which its slot permits if it was issued in this epoch.
    async fn spend(&self, token: &OneTimeToken, binding: &TokenBinding) -> Result<TokenUse> {
        let epoch = self.ring.epoch().await?;
        Ok(token.spend(binding, self.env.clock.now()).within(epoch))
    }

    async fn find(&self, token: &OneTimeToken) -> Result<Subject> {
        let subject = if token.purpose == TokenPurpose::SignUp {
            self.waiting(token).await?.map(Subject::SignUp)
        } else {
            Some(Subject::User(self.active_user(token).await?))
        };
        subject.ok_or_else(|| Refusal::TokenExpired.into())
    }

    async fn active_user(&self, token: &OneTimeToken) -> Result<User> {
        let user = self.users.find(token.user_id).await?;
        user.filter(|user| user.active)
            .ok_or_else(|| Refusal::TokenExpired.into())
    }

    async fn waiting(&self, token: &OneTimeToken) -> Result<Option<WaitingSignUp>> {
        // A sign-up bears the id of the user whom it may become.
        let id = RequestId::from(token.user_id.as_uuid());
        let request = self.requests.find(id).await?;
        Ok(request.and_then(WaitingSignUp::of))
    }

    /// The hash of the password that moves to another address. A newer one comes with a newer version
    /// of the user, so an old one is never written.
    async fn password(&self, user: &User, purpose: TokenPurpose) -> Result<Option<PasswordHash>> {
        if purpose != TokenPurpose::EmailChange {
            return Ok(None);
        }
        let key = LoginKey::Email(user.email.clone());
        let login = self.users.find_login(&key).await?;
        Ok(login.and_then(|login| login.password))
    }
}
