//! A person and their account: what they do, and what must be true of it in the end.

use std::{fmt, time::Instant};

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{
    client::{Answer, Request},
    stand::Stand,
};
use crate::stack::PASSWORD;

/// Something that did not end as the documents say.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

/// What its owner knows of an account.
pub(crate) struct Account {
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) password: String,
    /// None while the sign-up has not succeeded.
    pub(crate) id: Option<String>,
    pub(crate) erased: bool,
    /// The types of the events of the user which the owner caused, in order.
    pub(crate) events: Vec<&'static str>,
    /// What the owner was in the middle of, if that failed: it may have happened or not.
    pub(crate) broken: bool,
    pub(crate) actions: u64,
}

type Done = Result<(), Failure>;

impl Account {
    pub(crate) fn new(email: String) -> Self {
        Self {
            email,
            name: "Ann Example".to_owned(),
            password: PASSWORD.to_owned(),
            id: None,
            erased: false,
            events: Vec::new(),
            broken: false,
            actions: 0,
        }
    }

    /// Signs up, confirms, and does this and that until erased or `deadline`.
    pub(crate) async fn live(
        &mut self,
        stand: &Stand,
        random: &mut fastrand::Rng,
        deadline: Instant,
    ) -> Done {
        let lived = self.try_live(stand, random, deadline).await;
        self.broken = lived.is_err();
        lived
    }

    async fn try_live(
        &mut self,
        stand: &Stand,
        random: &mut fastrand::Rng,
        deadline: Instant,
    ) -> Done {
        let position = stand.position();
        self.sign_up(stand, random).await?;
        self.confirm(stand, position).await?;
        while !self.erased && Instant::now() < deadline {
            match random.u8(..12) {
                0..5 => self.rename(stand, random).await?,
                5..8 => drop(self.sign_in(stand).await?),
                8..9 => self.change_password(stand, random).await?,
                9..11 => self.reset(stand, random).await?,
                _ => self.erase(stand, random).await?,
            }
            self.actions += 1;
        }
        Ok(())
    }

    async fn sign_up(&mut self, stand: &Stand, random: &mut fastrand::Rng) -> Done {
        let body = json!({"email": self.email, "name": self.name, "password": self.password});
        let request = Request::new(Method::POST, "/users")
            .with("idempotency-key", key(random))
            .json(body);
        let answer = expect(stand, &request, &[StatusCode::CREATED]).await?;
        self.id = answer.body["id"].as_str().map(str::to_owned);
        self.events.push("UserCreated");
        Ok(())
    }

    async fn confirm(&mut self, stand: &Stand, position: usize) -> Done {
        let token = stand.link(&self.email, "verify", position).await?;
        let request = Request::new(Method::PUT, "/email-verifications")
            .json(json!({"token": token, "password": self.password}));
        expect(stand, &request, &[StatusCode::NO_CONTENT]).await?;
        self.events.push("UserEmailVerified");
        Ok(())
    }

    async fn sign_in(&self, stand: &Stand) -> Result<String, Failure> {
        let request = Request::new(Method::POST, "/sessions")
            .json(json!({"email": self.email, "password": self.password}));
        let answer = expect(stand, &request, &[StatusCode::CREATED]).await?;
        let token = answer.body["accessToken"].as_str();
        token
            .map(str::to_owned)
            .ok_or_else(|| request.failure("no token"))
    }

    /// Another name, under the version that was read. Who repeats it and is told that the version has moved
    /// looks whether that was the first try.
    async fn rename(&mut self, stand: &Stand, random: &mut fastrand::Rng) -> Done {
        let token = self.sign_in(stand).await?;
        let look = Request::new(Method::GET, "/users/me").by(&token);
        let before = expect(stand, &look, &[StatusCode::OK]).await?;
        let version = before.etag.ok_or_else(|| look.failure("no ETag"))?;
        self.name = format!("Ann Example {}", random.u32(..));
        let request = Request::new(Method::PATCH, "/users/me")
            .by(&token)
            .with("if-match", version)
            .json(json!({"name": self.name}));
        let allowed = [StatusCode::OK, StatusCode::PRECONDITION_FAILED];
        let answer = expect(stand, &request, &allowed).await?;
        if answer.status == StatusCode::PRECONDITION_FAILED {
            let now = expect(stand, &look, &[StatusCode::OK]).await?;
            if now.body["name"] != self.name.as_str() {
                return Err(request.failure("somebody else changed the user"));
            }
        }
        self.events.push("UserUpdated");
        Ok(())
    }

    async fn change_password(&mut self, stand: &Stand, random: &mut fastrand::Rng) -> Done {
        let token = self.sign_in(stand).await?;
        let new = password(random);
        let path = format!("/users/{}/password", self.id.as_deref().unwrap_or_default());
        let request = Request::new(Method::PUT, path)
            .by(&token)
            .with("idempotency-key", key(random))
            .json(json!({"currentPassword": self.password, "newPassword": new}));
        expect(stand, &request, &[StatusCode::NO_CONTENT]).await?;
        self.password = new;
        self.events.push("UserPasswordChanged");
        Ok(())
    }

    async fn reset(&mut self, stand: &Stand, random: &mut fastrand::Rng) -> Done {
        let position = stand.position();
        let ask = Request::new(Method::POST, "/password-resets").json(json!({"email": self.email}));
        expect(stand, &ask, &[StatusCode::ACCEPTED]).await?;
        let token = stand.link(&self.email, "reset", position).await?;
        let new = password(random);
        let request = Request::new(Method::PUT, "/password-resets")
            .json(json!({"token": token, "newPassword": new}));
        // Without a session where the answer to the first try was lost.
        let allowed = [StatusCode::OK, StatusCode::NO_CONTENT];
        expect(stand, &request, &allowed).await?;
        self.password = new;
        self.events.push("UserPasswordChanged");
        Ok(())
    }

    async fn erase(&mut self, stand: &Stand, random: &mut fastrand::Rng) -> Done {
        let token = self.sign_in(stand).await?;
        let path = format!("/users/{}", self.id.as_deref().unwrap_or_default());
        let request = Request::new(Method::DELETE, path)
            .by(&token)
            .with("idempotency-key", key(random));
        expect(stand, &request, &[StatusCode::NO_CONTENT]).await?;
        self.erased = true;
        self.events.push("UserDeleted");
        Ok(())
    }
}

/// Sends a request, which must be answered with one of `statuses`.
pub(crate) async fn expect(
    stand: &Stand,
    request: &Request<'_>,
    statuses: &[StatusCode],
) -> Result<Answer, Failure> {
    let answer = stand.client.send(request).await?;
    if statuses.contains(&answer.status) {
        Ok(answer)
    } else {
        Err(request.failure(&format!("{answer:?}")))
    }
}

fn key(random: &mut fastrand::Rng) -> String {
    format!("soak-{:016x}", random.u64(..))
}

fn password(random: &mut fastrand::Rng) -> String {
    format!("{PASSWORD} {:08x}", random.u32(..))
}
