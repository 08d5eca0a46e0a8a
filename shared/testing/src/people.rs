//! People who live in a [`FakeBackend`]: what tests of handlers begin with.

use std::sync::Arc;

use application::ports::{
    AccessTokenClaims, Clock as _, PasswordHasher as _, SessionRepository, TokenVerifier,
    UserRepository as _,
};
use async_trait::async_trait;
use domain::{
    Origin, Password, Result, Roles, Session, SessionId, User, UserId, history::HistoryEntry,
    user::NewUser,
};

use super::{FakeBackend, lock};

/// Everybody's password.
pub const PASSWORD: &str = "correct horse battery staple";

/// Somebody with an account, who is signed in.
#[derive(Debug, Clone)]
pub struct Person {
    /// The user.
    pub id: UserId,
    /// The session.
    pub session_id: SessionId,
    /// An access token of the session.
    pub token: String,
}

impl FakeBackend {
    /// Somebody signs up as `name@example.com`, and signs in.
    ///
    /// # Errors
    /// If the name makes no address, or the address is taken.
    pub async fn sign_up(self: &Arc<Self>, name: &str, roles: Roles) -> Result<Person> {
        let metadata = self.env().metadata(Origin::system("test"))?;
        let random = self.env().random.bytes()?;
        let address = format!("{}@example.com", name.to_lowercase());
        let new = NewUser {
            id: UserId::new(metadata.now, random),
            email: address
                .parse()
                .map_err(|_| domain::Error::internal("no address"))?,
            name: name
                .parse()
                .map_err(|_| domain::Error::internal("no name"))?,
            password: self.hash(&Password::presented(PASSWORD)).await?,
            roles,
        };
        let user = self.commit(&User::create(new, &metadata)).await?;
        self.sign_in(&user).await
    }

    /// A user signs in, once more.
    ///
    /// # Errors
    /// If a fault is in place.
    pub async fn sign_in(self: &Arc<Self>, user: &User) -> Result<Person> {
        let mut origin = Origin::system("test");
        origin.client_ip = Some([203, 0, 113, 9].into());
        origin.user_agent = Some("browser".to_owned());
        let env = self.env();
        let metadata = env.metadata(origin)?;
        let id = SessionId::new(self.now(), env.random.bytes()?);
        let nonce = env.random.token()?;
        let (session, event) = Session::start(id, nonce, user, "pwd", &metadata);
        SessionRepository::start(self.as_ref(), &session, &event).await?;
        Ok(Person {
            id: user.id,
            session_id: id,
            token: format!("{} {id} {}", user.id, user.auth_epoch),
        })
    }

    /// The user with this id, if there is one.
    pub fn user(&self, id: UserId) -> Option<User> {
        lock(&self.state).users.get(&id).cloned()
    }

    /// The sessions of a user, ended or not.
    pub fn sessions_of(&self, id: UserId) -> Vec<Session> {
        let state = lock(&self.state);
        let sessions = state.sessions.values();
        sessions
            .filter(|session| session.user_id == id)
            .cloned()
            .collect()
    }

    /// The history of a user, oldest first.
    pub fn history_of(&self, id: UserId) -> Vec<HistoryEntry> {
        let state = lock(&self.state);
        let entries = state.history.iter().filter(|((user, _), _)| *user == id);
        entries.map(|(_, entry)| entry.clone()).collect()
    }
}

/// Tokens in the clear, as [`FakeBackend::sign_in`] gives them: for tests that are not about signatures.
#[async_trait]
impl TokenVerifier for FakeBackend {
    async fn verify(&self, _: &str, token: &str) -> Result<Option<AccessTokenClaims>> {
        let claims = read(token);
        self.call("tokens.verify", |_| Ok(claims)).await
    }
}

fn read(token: &str) -> Option<AccessTokenClaims> {
    let mut parts = token.split(' ');
    Some(AccessTokenClaims {
        user_id: parts.next()?.parse().ok()?,
        session_id: parts.next()?.parse().ok()?,
        epoch: parts.next()?.parse().ok()?,
    })
}
