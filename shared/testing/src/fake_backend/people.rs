//! People with an account in a [`FakeBackend`].

use std::sync::Arc;

use application::ports::{ApiKeys, SessionRepository, UserRepository as _};
use domain::{
    ApiKey, ApiKeyId, ApiKeyToken, Change, Email, Origin, Password, Result, Role, Roles, Session,
    SessionId, User, UserId,
    api_key::{DEFAULT_DAYS, NewApiKey},
    event::EventMetadata,
    session::RECENT,
    user::{NewUser, Standing},
};
use secrecy::ExposeSecret as _;

use super::{
    FakeBackend,
    keys::{access_token, quick_hash},
};

/// The service of every key that has the role of services.
pub const SERVICE: &str = "profiles";

/// The password of every user.
pub const PASSWORD: &str = "correct horse battery staple";

/// A user who is signed in.
#[derive(Debug, Clone)]
pub struct Person {
    pub id: UserId,
    pub session_id: SessionId,
    /// An access token of the session.
    pub token: String,
    /// One that would be of the session if it had begun too long ago to count as recent.
    pub old_token: String,
}

impl FakeBackend {
    /// Time, id and origin of an event that the system causes now.
    pub fn metadata(self: &Arc<Self>) -> EventMetadata {
        let metadata = self.env().metadata(Origin::system("test"));
        metadata.expect("random bytes do not run out")
    }

    /// A new user with this address, which is proven, called Ann Example. The password is [`PASSWORD`].
    pub async fn add_user(self: &Arc<Self>, email: &str) -> User {
        self.create(email, "Ann Example", Roles::new()).await
    }

    /// The same of an address that nobody has proven.
    pub async fn add_unproven(self: &Arc<Self>, email: &str, standing: Standing) -> User {
        let (new, metadata) = self.new_user(email, "Ann Example", Roles::new());
        let user = self.commit(&User::create(new, &metadata)).await;
        let id = user.expect("a free address").id;
        self.tamper(id, |user| user.standing = standing);
        self.user(id).expect("a user")
    }

    /// A new user with the address `<name>@example.com`, who signs in.
    pub async fn sign_up(self: &Arc<Self>, name: &str, roles: Roles) -> Person {
        let email = format!("{}@example.com", name.to_lowercase());
        let user = self.create(&email, name, roles).await;
        self.sign_in(&user).await
    }

    async fn create(self: &Arc<Self>, email: &str, name: &str, roles: Roles) -> User {
        let (new, metadata) = self.new_user(email, name, roles);
        let user = self.commit(&User::create_proven(new, &metadata)).await;
        user.expect("a free address")
    }

    fn new_user(
        self: &Arc<Self>,
        email: &str,
        name: &str,
        roles: Roles,
    ) -> (NewUser, EventMetadata) {
        let metadata = self.metadata();
        let random = self.env().random;
        let new = NewUser {
            id: UserId::new(metadata.now, random.bytes().expect("random bytes")),
            email: email.parse::<Email>().expect("an address"),
            name: name.parse().expect("a name"),
            password: quick_hash(&Password::presented(PASSWORD)),
            roles,
        };
        (new, metadata)
    }

    /// A new session of a user.
    pub async fn sign_in(self: &Arc<Self>, user: &User) -> Person {
        let mut origin = Origin::system("test");
        origin.client_ip = Some([203, 0, 113, 9].into());
        origin.user_agent = Some("browser".to_owned());
        let env = self.env();
        let metadata = env.metadata(origin).expect("random bytes");
        let id = SessionId::new(metadata.now, env.random.bytes().expect("random bytes"));
        let nonce = env.random.token().expect("random bytes");
        let (session, event) = Session::start(id, nonce, user, "pwd", false, &metadata);
        let started = SessionRepository::start(self.as_ref(), &session, &event).await;
        started.expect("a new id");
        let old = Session {
            auth_time: Some(metadata.now.minus(RECENT)),
            ..session.clone()
        };
        Person {
            id: user.id,
            session_id: id,
            token: access_token(user, &session),
            old_token: access_token(user, &old),
        }
    }

    /// A new API key with this role, and the text of its token. With the role of services, it is for
    /// [`SERVICE`].
    pub async fn add_api_key(self: &Arc<Self>, role: &Role) -> (ApiKey, String) {
        let metadata = self.metadata();
        let random = self.env().random;
        let id = ApiKeyId::new(metadata.now, random.bytes().expect("random bytes"));
        let token = ApiKeyToken::new(id, random.bytes().expect("random bytes"));
        let new = NewApiKey {
            name: "test".parse().expect("a name"),
            role: role.as_str().parse().expect("a role of keys"),
            service: (*role == Role::service()).then(|| SERVICE.parse().expect("a name")),
            days: DEFAULT_DAYS,
        };
        let (key, event) = ApiKey::create(new, &token, &metadata);
        let created = ApiKeys::create(self.as_ref(), &key, &event).await;
        created.expect("a new id");
        (key, token.encode().expose_secret().to_owned())
    }

    /// Commits a change of a user, as a command of the system would.
    pub async fn change(
        self: &Arc<Self>,
        user: UserId,
        change: impl FnOnce(&User, &EventMetadata) -> Result<Change>,
    ) -> User {
        let user = self.user(user).expect("a user");
        let change = change(&user, &self.metadata()).expect("a change the domain allows");
        self.commit(&change).await.expect("nobody else changes it")
    }
}
