//! The use case: somebody signs in with address and password.

use std::sync::Arc;

use shared::{
    domain::{
        Actor, Email, Login, LoginKey, Origin, Password, Refusal, Result, SessionId, User, UserId,
        session::{RefreshKey, RefreshToken, Session},
    },
    ports::{
        AccessToken, Circumstances, PasswordHasher, SessionRepository, TokenIssuer, UserRepository,
    },
    secret::SharedSecret,
};

/// RFC 8176: proven by password.
const METHOD: &str = "pwd";

/// Signs users in.
pub struct Authenticate {
    /// Where users and their logins are kept.
    pub users: Arc<dyn UserRepository>,
    /// Where sessions are kept.
    pub sessions: Arc<dyn SessionRepository>,
    /// Compares passwords with hashes.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Signs access tokens.
    pub tokens: Arc<dyn TokenIssuer>,
    /// Makes refresh tokens.
    pub refresh_secret: SharedSecret,
    /// Time and randomness.
    pub circumstances: Circumstances,
}

/// A sign-in.
#[derive(Debug)]
pub struct Command {
    /// Address.
    pub email: Email,
    /// Password.
    pub password: Password,
    /// The `iss` of the token.
    pub issuer: String,
    /// Who asks, and from where.
    pub origin: Origin,
}

/// What a user who signed in gets.
#[derive(Debug)]
pub struct SignedIn {
    /// For the API.
    pub access: AccessToken,
    /// For the next access token.
    pub refresh: RefreshToken,
    /// The user.
    pub user: User,
}

impl Authenticate {
    /// Starts a session.
    ///
    /// # Errors
    /// `InvalidCredentials` if the address is unknown, the password wrong or the account not active:
    /// the same calls are made and the same answer is given for all three.
    pub async fn execute(&self, command: Command) -> Result<SignedIn> {
        let key = LoginKey::Email(command.email);
        let login = self.users.find_login(&key).await?;
        let user = self.prove(login.as_ref(), &command.password).await?;
        let origin = Origin {
            actor: Actor::User(user.id),
            ..command.origin
        };
        let occasion = self.circumstances.occasion(origin)?;
        let id = SessionId::new(occasion.now, self.circumstances.entropy.bytes()?);
        let nonce = self.circumstances.entropy.token()?;
        let (session, event) = Session::start(id, nonce, &user, METHOD, &occasion);
        let key = RefreshKey::new(self.refresh_secret.get().await?.clone());
        // The token is signed while the table writes.
        let ((), access) = tokio::try_join!(
            self.sessions.start(&session, &event),
            self.tokens.issue(&command.issuer, &user, &session),
        )?;
        Ok(SignedIn {
            access,
            refresh: session.refresh_token(&key),
            user,
        })
    }

    /// The user whose password this is. An unknown address costs the same read and the same hash.
    async fn prove(&self, login: Option<&Login>, password: &Password) -> Result<User> {
        let id = match login {
            Some(login) => login.user_id,
            None => UserId::new(
                self.circumstances.clock.now(),
                self.circumstances.entropy.bytes()?,
            ),
        };
        let hash = login.and_then(|login| login.password.as_ref());
        let (user, proven) =
            tokio::try_join!(self.users.find(id), self.hasher.verify(password, hash))?;
        user.filter(|user| proven && user.active)
            .ok_or_else(|| Refusal::InvalidCredentials.into())
    }
}
