//! The reader of a mail chooses a password: to get back into an account, to begin one, or to answer an
//! invitation.

use std::sync::Arc;

use domain::{
    Actor, Change, Email, Error, FirstAdmin, LoginKey, Name, OneTimeToken, Origin, Password,
    PasswordHash, PasswordPolicy, Refusal, Result, Roles, User, UserId,
    attempt::{AttemptKey, Limit, Scope},
    event::EventMetadata,
    user::{NewUser, Standing},
};

use crate::{
    devices::Devices,
    ports::PasswordHasher,
    rate_limit::RateLimiter,
    session_starter::SessionStarter,
    session_tokens::TokenPair,
    sign_up_limiter::SignUpLimiter,
    token_redemption::{Subject, TokenRedemption},
};

/// What came of a choice.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one is made for each request, and moved twice"
)]
pub enum Chosen {
    SignedIn(TokenPair),
    /// The token gave the user this password before.
    Repeated,
}

/// Passwords which one link may offer in an hour: more than a person tries until one is strong enough.
const CHOICES: u32 = 20;

/// RFC 8176: authenticated by password.
const METHOD: &str = "pwd";

/// Gives accounts the passwords that were chosen by link.
pub struct LinkPassword {
    /// What passwords must satisfy.
    pub passwords: PasswordPolicy,
    pub hasher: Arc<dyn PasswordHasher>,
    /// Counts choices.
    pub rate_limiter: RateLimiter,
    /// Counts the accounts that replace another.
    pub sign_ups: SignUpLimiter,
    pub redemption: TokenRedemption,
    /// The address whose owner becomes the first administrator.
    pub first_admin: FirstAdmin,
    pub session_starter: SessionStarter,
    /// Issues device tokens: those of before are void.
    pub devices: Arc<Devices>,
}

/// A password chosen by link.
#[derive(Debug)]
pub struct PasswordChoice {
    /// What was in the mail.
    pub token: OneTimeToken,
    /// The password, as it was typed: the policy needs the user to judge it.
    pub password: Password,
    /// How the user of a new account wants to be called.
    pub name: Option<Name>,
    /// Who is signed in, if somebody is.
    pub caller: Option<UserId>,
    /// The `iss` of the access token.
    pub issuer: String,
    /// Where the command came from.
    pub origin: Origin,
}

impl LinkPassword {
    /// Gives the account of the link the password and proves its address, and signs in.
    ///
    /// An account that nobody confirmed is replaced by another, unless its own session sends the command:
    /// a stranger may have made it. A sign-up that waits becomes an account. Every other account stays,
    /// and what let anybody in before does so no more. Wrong guesses of strangers are not forgotten, which
    /// would tell them that somebody has the address: the device is known from now on. While there is no
    /// administrator, the owner of the first one's address becomes it.
    ///
    /// # Errors
    /// `TokenExpired` if the token is not good; `PasswordRejected` by the policy: then the token stays
    /// good; `TooManyRequests` after too many choices or repetitions, or too many new accounts from one
    /// client IP.
    pub async fn choose(&self, choice: PasswordChoice) -> Result<Chosen> {
        match self.choose_once(&choice).await {
            Err(Error::Refused(Refusal::TokenExpired)) => self.repeat(&choice).await,
            outcome => outcome.map(Chosen::SignedIn),
        }
    }

    async fn choose_once(&self, choice: &PasswordChoice) -> Result<TokenPair> {
        // First, because a caller with a bad token must not cost a hash, nor learn about the user's
        // name from the judgement of a password.
        let subject = self.redemption.check(&choice.token).await?;
        // Before the password is judged, which takes time whatever comes of it.
        let choices = AttemptKey::of_receipt(Scope::Choice, &choice.token.receipt());
        let choices = [(choices, Limit::hourly(CHOICES))];
        self.rate_limiter.acquire(&choices).await?;
        if matches!(&subject, Subject::User(user) if is_replaced(user, choice)) {
            self.sign_ups.acquire(&choice.origin).await?;
        }
        let name = Self::name(&subject, choice);
        let context = [name.as_str(), subject.email().as_str()];
        let password = self
            .passwords
            .choose(choice.password.expose(), &context)
            .map_err(Error::PasswordRejected)?;
        let hash = self.hasher.hash(password.as_password()).await?;
        let hash = &hash;
        let decide = |subject| async move { self.decide(&subject, choice, hash).await };
        let user = self.redemption.commit(&choice.token, decide).await?;
        if let Subject::SignUp(waiting) = &subject {
            self.redemption.forget(waiting).await;
        }
        let origin = choice.origin.clone();
        // Who read the mail and chose a password needs no notice of the device.
        let start =
            self.session_starter
                .start(&user, METHOD, choice.issuer.as_str().into(), false, origin);
        let token_pair = start.await?;
        Ok(TokenPair {
            device: Some(self.devices.issue(&user, None).await?.token),
            ..token_pair
        })
    }

    /// The content is compared by the password that the user has now: so nothing is kept of it but its
    /// hash, and another password since then makes the repetition void.
    async fn repeat(&self, choice: &PasswordChoice) -> Result<Chosen> {
        let user = self.redemption.redeemed(&choice.token).await?;
        let key = LoginKey::Email(user.email.clone());
        let login = self.redemption.users.find_login(&key).await?;
        let hash = login.and_then(|login| login.password);
        let is_same = self.hasher.verify(&choice.password, hash.as_ref()).await?;
        is_same
            .then_some(Chosen::Repeated)
            .ok_or_else(|| Refusal::TokenExpired.into())
    }

    /// The change by which `hash` becomes the password.
    async fn decide(
        &self,
        subject: &Subject,
        choice: &PasswordChoice,
        hash: &PasswordHash,
    ) -> Result<Change> {
        let change = match subject {
            Subject::SignUp(waiting) => {
                let (name, hash) = (new_name(&waiting.email, choice), hash.clone());
                let redemption = &self.redemption;
                redemption.account_of(waiting, name, hash, &choice.origin)?
            }
            Subject::User(user) if is_replaced(user, choice) => {
                let env = &self.redemption.env;
                let id = UserId::new(env.clock.now(), env.random.bytes()?);
                let new = NewUser {
                    id,
                    email: user.email.clone(),
                    name: new_name(&user.email, choice),
                    password: hash.clone(),
                    roles: Roles::new(),
                };
                let (creation, erasure) = (self.metadata(id, choice)?, self.metadata(id, choice)?);
                user.take_over(new, &creation, &erasure)
            }
            Subject::User(user) => {
                let (metadata, hash) = (self.metadata(user.id, choice)?, hash.clone());
                match user.standing {
                    Standing::Invited => {
                        user.accept_invitation(choice.name.clone(), hash, &metadata)
                    }
                    Standing::Provisional | Standing::Settled => {
                        user.reset_password(hash, &metadata)
                    }
                }
            }
        };
        self.grant_admin(subject, change).await
    }

    /// The name of the user after the change. That of an account in which the reader of the mail has no
    /// part is not shown to that person.
    fn name(subject: &Subject, choice: &PasswordChoice) -> Name {
        match subject {
            Subject::User(user) if !is_replaced(user, choice) => user.name.clone(),
            _ => new_name(subject.email(), choice),
        }
    }

    /// The reader of the mail is the user.
    fn metadata(&self, user: UserId, choice: &PasswordChoice) -> Result<EventMetadata> {
        self.redemption.env.metadata(Origin {
            actor: Actor::User(user),
            ..choice.origin.clone()
        })
    }

    async fn grant_admin(&self, subject: &Subject, change: Change) -> Result<Change> {
        let is_admin = matches!(subject, Subject::User(user) if user.is_active_admin());
        let is_candidate = self.first_admin.is(subject.email()) && !is_admin;
        let users = &self.redemption.users;
        Ok(if is_candidate && !users.has_administrator().await? {
            change.granting_admin()
        } else {
            change
        })
    }
}

/// Whether another account takes the place of the user's: nobody confirmed it, and nobody shows here to
/// control it.
fn is_replaced(user: &User, choice: &PasswordChoice) -> bool {
    user.standing == Standing::Provisional && choice.caller != Some(user.id)
}

fn new_name(email: &Email, choice: &PasswordChoice) -> Name {
    choice.name.clone().unwrap_or_else(|| Name::of(email))
}
