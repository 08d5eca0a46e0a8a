//! A world with a few people in it, and the table of who may do what: for tests of handlers.

use std::sync::Arc;

use domain::{Error, Result, Role, Roles, UserId};
use lambda::http::{Access, Authenticator, Request, Response, answer};
use lambda_http::http::HeaderMap;
use serde_json::Value;

use crate::{FakeBackend, Person, sample::Sample};

/// A world in which somebody administers, and Ann and Bob have accounts. All are signed in.
#[derive(Debug)]
pub struct Fixture {
    /// The backend.
    pub backend: Arc<FakeBackend>,
    /// The only administrator.
    pub admin: Person,
    /// A user.
    pub ann: Person,
    /// Another.
    pub bob: Person,
}

impl Fixture {
    /// A fresh one.
    ///
    /// # Errors
    /// None in a fresh backend.
    pub async fn new() -> Result<Self> {
        let backend = FakeBackend::new();
        let fixture = Self {
            admin: backend
                .sign_up("Admin", Roles::from([Role::admin()]))
                .await?,
            ann: backend.sign_up("Ann", Roles::new()).await?,
            bob: backend.sign_up("Bob", Roles::new()).await?,
            backend,
        };
        fixture.backend.clear_trace();
        Ok(fixture)
    }

    /// The id of nobody.
    pub fn nobody() -> UserId {
        UserId::new(domain::Timestamp::from_seconds(1), [9; 10])
    }
}

/// An answer, read.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The body; null if it is not JSON.
    pub body: Value,
}

impl Answer {
    /// Status and problem code.
    pub fn problem(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }

    /// A header, as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Places and codes of the wrong fields.
    pub fn wrong_fields(&self) -> Vec<(&str, &str)> {
        let errors = self.body["errors"].as_array();
        let errors = errors.into_iter().flatten();
        errors
            .map(|error| (error["pointer"].as_str(), error["code"].as_str()))
            .map(|(pointer, code)| (pointer.unwrap_or_default(), code.unwrap_or_default()))
            .collect()
    }
}

/// Principal knocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Principal {
    /// Somebody without a token.
    Anonymous,
    /// Somebody with a token of their own making.
    InvalidToken,
    /// Bob, who wants something of Ann.
    Other,
    /// Ann.
    Owner,
    /// The administrator.
    Admin,
}

/// A function as its authenticator and its handler make it.
#[derive(Debug)]
pub struct Route<S, H> {
    /// Principal may call it.
    pub access: Access,
    /// The use case over a backend.
    pub service: fn(&Arc<FakeBackend>) -> S,
    /// The handler.
    pub handle: H,
}

impl<S, H: AsyncFn(Arc<S>, Request) -> Response> Route<S, H> {
    /// Answers a request.
    ///
    /// # Errors
    /// If the sample is no request.
    pub async fn answer(&self, backend: &Arc<FakeBackend>, request: Sample) -> Result<Answer> {
        let authenticator = Authenticator::guarded("", backend.clone(), backend.clone());
        let service = Arc::new((self.service)(backend));
        let handle = &self.handle;
        let handle = &move |service, call| handle(service, call);
        let response = answer(
            self.access,
            &authenticator,
            service,
            handle,
            request.into_request()?,
        )
        .await;
        Ok(Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: serde_json::from_slice(response.body()).unwrap_or(Value::Null),
        })
    }

    /// Tries everybody on `/users/{id}…`, each in a fresh backend, and holds the answers against what
    /// `expected` means. Whoever may gets `success`. Whoever may not changes nothing, and learns
    /// nothing of whether a user exists.
    ///
    /// # Errors
    /// Says who got what instead.
    pub async fn admits(
        &self,
        expected: Access,
        success: u16,
        request: impl Fn(Principal, &str) -> Sample,
    ) -> Result<()> {
        let nobody = Fixture::nobody().to_string();
        for who in [
            Principal::Anonymous,
            Principal::InvalidToken,
            Principal::Other,
            Principal::Owner,
            Principal::Admin,
        ] {
            for id in ["ann", "me", &nobody, "nonsense"] {
                if id == "me" && matches!(who, Principal::Other | Principal::Admin) {
                    continue; // Then they are the owner.
                }
                let fixture = Fixture::new().await?;
                let exists = id == "ann" || id == "me";
                let path_id = if id == "ann" {
                    fixture.ann.id.to_string()
                } else {
                    id.to_owned()
                };
                let request = request(who, &path_id);
                let request = match who {
                    Principal::Anonymous => request,
                    Principal::InvalidToken => request.bearer("nonsense"),
                    Principal::Other => request.bearer(&fixture.bob.token),
                    Principal::Owner => request.bearer(&fixture.ann.token),
                    Principal::Admin => request.bearer(&fixture.admin.token),
                };
                let events = fixture.backend.outbox().len();
                let answer = self.answer(&fixture.backend, request).await?;
                let wanted = verdict(expected, who, exists);
                let changed = fixture.backend.outbox().len() != events;
                let right = match wanted {
                    Some(problem) => answer.problem() == problem && !changed,
                    None => answer.status == success,
                };
                if !right {
                    let got = (answer.status, answer.body, changed);
                    return Err(Error::internal(format!("{who:?} on {id}: {got:?}")));
                }
            }
        }
        Ok(())
    }
}

/// What becomes of a knock: a problem, or nothing if it is let in.
fn verdict(access: Access, who: Principal, exists: bool) -> Option<(u16, &'static str)> {
    let is_owner = who == Principal::Owner && exists;
    let may = match access {
        Access::Anyone => return None,
        Access::AnyoneOrCaller if who == Principal::Anonymous => return None,
        Access::AnyoneOrCaller | Access::Caller => true,
        Access::OwnerOrAdmin => is_owner || who == Principal::Admin,
        Access::Owner => is_owner,
        Access::Admin => who == Principal::Admin,
    };
    match who {
        Principal::Anonymous | Principal::InvalidToken => Some((401, "unauthenticated")),
        _ if !may => Some((403, "forbidden")),
        _ if !exists => Some((404, "not-found")),
        _ => None,
    }
}
