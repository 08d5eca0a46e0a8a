//! Address and password.

use std::sync::Arc;

use async_trait::async_trait;
use shared::{
    application::{
        ports::{Env, PasswordHasher, UserRepository},
        rate_limit::SignInLimiter,
    },
    domain::{
        Email, Login, LoginKey, Origin, Password, Refusal, Result, User, UserId, error::Causes,
    },
    lambda::http::Fields,
};

use crate::authenticate::{Authenticated, AuthenticationStrategy};

/// RFC 8176: authenticated by password.
const METHOD: &str = "pwd";

/// Knows users by address and password.
pub struct PasswordStrategy {
    /// Where users and their logins are kept.
    pub users: Arc<dyn UserRepository>,
    /// Compares passwords with hashes.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Limits how often passwords are guessed.
    pub rate_limiter: SignInLimiter,
    /// Time and randomness.
    pub env: Env,
}

#[async_trait]
impl AuthenticationStrategy for PasswordStrategy {
    fn name(&self) -> &'static str {
        "password"
    }

    /// # Errors
    /// `InvalidCredentials` if the address is unknown, the password wrong or the account not active:
    /// the same calls are made and the same answer is given for all three. `TooManyRequests` after too
    /// many guesses, before anything is compared: the right password does not show itself then.
    async fn authenticate(&self, mut presented: Fields, origin: &Origin) -> Result<Authenticated> {
        let email = presented.parse::<Email>("email");
        let password = presented
            .text("password")
            .map(|raw| Password::presented(&raw));
        let (email, password) = presented.finish(email.zip(password))?;
        let key = LoginKey::Email(email.clone());
        let (permit, login) = tokio::try_join!(
            self.rate_limiter.spend(Some(&email), origin),
            self.users.find_login(&key)
        )?;
        let permit = match permit {
            Ok(permit) => permit,
            Err(lock) => {
                let owner = login.map(|login| login.user_id);
                return Err(self.rate_limiter.refuse(lock, owner, origin).await);
            }
        };
        let user = self.verify(login.as_ref(), &password).await?;
        if let Some(login) = &login {
            self.upgrade(login, &password).await;
        }
        Ok(Authenticated {
            user,
            method: METHOD,
            permit,
        })
    }
}

impl PasswordStrategy {
    /// The user whose password this is. An unknown address costs the same read and the same hash.
    async fn verify(&self, login: Option<&Login>, password: &Password) -> Result<User> {
        let id = match login {
            Some(login) => login.user_id,
            None => UserId::new(self.env.clock.now(), self.env.random.bytes()?),
        };
        let hash = login.and_then(|login| login.password.as_ref());
        let (user, authenticated) =
            tokio::try_join!(self.users.find(id), self.hasher.verify(password, hash))?;
        user.filter(|user| authenticated && user.active)
            .ok_or_else(|| Refusal::InvalidCredentials.into())
    }

    /// Makes a hash anew that another system made, or we did at another cost: only now the password is
    /// known. That it fails is nothing to whoever signs in, who will come again.
    async fn upgrade(&self, login: &Login, password: &Password) {
        let is_current = |hash| self.hasher.is_current(hash);
        if login.password.as_ref().is_none_or(is_current) {
            return;
        }
        let replaced = async {
            let fresh = self.hasher.hash(password).await?;
            self.users.rehash(login, &fresh).await
        };
        match replaced.await {
            Ok(replaced) => tracing::info!(replaced, "a hash was made anew"),
            Err(error) => tracing::warn!(error = %Causes(&error), "a hash was not made anew"),
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::{Password, PasswordHash, sign_up::SignUpPolicy};
    use testing::{Endpoint, FakeBackend, Fault, PASSWORD, TestRequest, json};

    use super::*;
    use crate::{authenticate::tests::service, handler};

    /// A backend in which Ann has an imported account, whose hash is not current.
    async fn imported() -> Arc<FakeBackend> {
        let backend = FakeBackend::new();
        let ann = backend.add_user("ann@example.com").await;
        let hash = foreign(&backend);
        let reset = |ann: &User, metadata: &_| Ok(ann.reset_password(hash, metadata));
        backend.change(ann.id, reset).await;
        backend.clear_trace();
        backend
    }

    fn foreign(backend: &FakeBackend) -> PasswordHash {
        backend.foreign_hash(&Password::presented(PASSWORD))
    }

    async fn sign_in(backend: &Arc<FakeBackend>, password: &str) -> u16 {
        let body = json!({"email": "ann@example.com", "password": password});
        let request = TestRequest::new("POST", "/sessions").json(&body);
        let endpoint = Endpoint::new(handler::ACCESS, handler::handle, |backend| {
            service(backend, SignUpPolicy::Open)
        });
        endpoint.answer(backend, request).await.status
    }

    async fn stored(backend: &FakeBackend) -> PasswordHash {
        let key = LoginKey::Email("ann@example.com".parse().unwrap());
        let login = backend.find_login(&key).await.unwrap().unwrap();
        login.password.unwrap()
    }

    #[tokio::test]
    async fn a_foreign_hash_is_replaced_by_the_first_sign_in() {
        let backend = imported().await;
        assert_eq!(sign_in(&backend, PASSWORD).await, 201);
        assert!(backend.is_current(&stored(&backend).await));
        backend.clear_trace();
        assert_eq!(sign_in(&backend, PASSWORD).await, 201);
        assert_eq!(
            backend.trace()[..6],
            [
                "attempts.spend",
                "attempts.spend",
                "users.find_login",
                "users.find",
                "hasher.verify",
                "sessions.start"
            ],
            "nothing is left to do"
        );
    }

    #[tokio::test]
    async fn who_does_not_know_the_password_changes_no_hash() {
        let backend = imported().await;
        assert_eq!(sign_in(&backend, "wrong").await, 401);
        assert_eq!(
            backend.trace(),
            [
                "attempts.spend",
                "attempts.spend",
                "users.find_login",
                "users.find",
                "hasher.verify"
            ]
        );
        assert_eq!(stored(&backend).await, foreign(&backend));
    }

    #[tokio::test]
    async fn who_may_not_sign_in_changes_no_hash() {
        let backend = imported().await;
        let id = backend.users()[0].id;
        backend.tamper(id, |user| user.active = false);
        assert_eq!(sign_in(&backend, PASSWORD).await, 401);
        assert_eq!(stored(&backend).await, foreign(&backend));
    }

    /// Who knows the password gets in now or the next time, and a fault of the upgrade stops nobody.
    #[tokio::test]
    async fn no_fault_of_the_upgrade_keeps_anyone_out() {
        let tried = FakeBackend::try_every_fault(async |fault: Fault| {
            let backend = imported().await;
            let first = sign_in(&backend, PASSWORD);
            let (first, happened) = backend.with_fault(fault, first).await;
            // Once a session is asked for, the fault was one of the upgrade or of what comes after it.
            let is_before_session = !backend.trace().contains(&"sessions.start");
            let is_about_the_upgrade =
                backend.trace().contains(&"hasher.hash") && is_before_session;
            if is_about_the_upgrade {
                assert_eq!(first, None, "{fault:?}: only a stop ends a sign-in here");
            }
            assert_eq!(sign_in(&backend, PASSWORD).await, 201, "{fault:?}");
            assert!(backend.is_current(&stored(&backend).await), "{fault:?}");
            happened
        })
        .await;
        assert!(
            tried > 4 * 7,
            "the upgrade is done after seven calls: {tried}"
        );
    }
}
