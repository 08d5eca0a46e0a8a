//! A world with a few people in it, and the table of who may do what: for tests of handlers.

use std::sync::Arc;

use domain::{Error, Result, Role, Roles, UserId};
use lambda::http::{Access, Call, Gate, Reply, answer};
use lambda_http::http::HeaderMap;
use serde_json::Value;

use crate::{Person, World, sample::Sample};

/// A world in which somebody administers, and Ann and Bob have accounts. All are signed in.
#[derive(Debug)]
pub struct Stage {
    /// The world.
    pub world: Arc<World>,
    /// The only administrator.
    pub admin: Person,
    /// A user.
    pub ann: Person,
    /// Another.
    pub bob: Person,
}

impl Stage {
    /// A fresh one.
    ///
    /// # Errors
    /// None in a fresh world.
    pub async fn set() -> Result<Self> {
        let world = World::new();
        let stage = Self {
            admin: world.join("Admin", Roles::from([Role::admin()])).await?,
            ann: world.join("Ann", Roles::new()).await?,
            bob: world.join("Bob", Roles::new()).await?,
            world,
        };
        stage.world.clear_trace();
        Ok(stage)
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

/// Who knocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Somebody without a token.
    Anonymous,
    /// Somebody with a token of their own making.
    Forger,
    /// Bob, who wants something of Ann.
    Other,
    /// Ann.
    Owner,
    /// The administrator.
    Admin,
}

/// A function as its gate and its handler make it.
#[derive(Debug)]
pub struct Route<S, H> {
    /// Who may call it.
    pub access: Access,
    /// The use case over a world.
    pub service: fn(&Arc<World>) -> S,
    /// The handler.
    pub handle: H,
}

impl<S, H: AsyncFn(Arc<S>, Call) -> Reply> Route<S, H> {
    /// Answers a request.
    ///
    /// # Errors
    /// If the sample is no request.
    pub async fn answer(&self, world: &Arc<World>, request: Sample) -> Result<Answer> {
        let gate = Gate::guarded("", world.clone(), world.clone());
        let service = Arc::new((self.service)(world));
        let handle = &self.handle;
        let handle = &move |service, call| handle(service, call);
        let response = answer(self.access, &gate, service, handle, request.into_request()?).await;
        Ok(Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: serde_json::from_slice(response.body()).unwrap_or(Value::Null),
        })
    }

    /// Tries everybody on `/users/{id}…`, each in a fresh world, and holds the answers against what
    /// `expected` means. Whoever may gets `success`. Whoever may not changes nothing, and learns
    /// nothing of whether a user exists.
    ///
    /// # Errors
    /// Says who got what instead.
    pub async fn admits(
        &self,
        expected: Access,
        success: u16,
        request: impl Fn(Who, &str) -> Sample,
    ) -> Result<()> {
        let nobody = Stage::nobody().to_string();
        for who in [
            Who::Anonymous,
            Who::Forger,
            Who::Other,
            Who::Owner,
            Who::Admin,
        ] {
            for id in ["ann", "me", &nobody, "nonsense"] {
                if id == "me" && matches!(who, Who::Other | Who::Admin) {
                    continue; // Then they are the owner.
                }
                let stage = Stage::set().await?;
                let exists = id == "ann" || id == "me";
                let path_id = if id == "ann" {
                    stage.ann.id.to_string()
                } else {
                    id.to_owned()
                };
                let request = request(who, &path_id);
                let request = match who {
                    Who::Anonymous => request,
                    Who::Forger => request.bearer("nonsense"),
                    Who::Other => request.bearer(&stage.bob.token),
                    Who::Owner => request.bearer(&stage.ann.token),
                    Who::Admin => request.bearer(&stage.admin.token),
                };
                let events = stage.world.outbox().len();
                let answer = self.answer(&stage.world, request).await?;
                let wanted = verdict(expected, who, exists);
                let changed = stage.world.outbox().len() != events;
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
fn verdict(access: Access, who: Who, exists: bool) -> Option<(u16, &'static str)> {
    let is_owner = who == Who::Owner && exists;
    let may = match access {
        Access::Anyone => return None,
        Access::AnyoneOrCaller if who == Who::Anonymous => return None,
        Access::AnyoneOrCaller | Access::Caller => true,
        Access::OwnerOrAdmin => is_owner || who == Who::Admin,
        Access::Owner => is_owner,
        Access::Admin => who == Who::Admin,
    };
    match who {
        Who::Anonymous | Who::Forger => Some((401, "unauthenticated")),
        _ if !may => Some((403, "forbidden")),
        _ if !exists => Some((404, "not-found")),
        _ => None,
    }
}
