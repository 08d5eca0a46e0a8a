//! Who may call a function.

use std::{sync::Arc, time::Duration};

use application::{
    cache::{CacheTerms, TieredCache},
    ports::{Clock, Grant, TokenVerifier, UserRepository},
};
use domain::{Refusal, Result, SessionId, UserId};
use lambda_http::http::header;
use serde::{Deserialize, Serialize};

use super::Call;

/// How many callers a process remembers: some 200 octets each.
const REMEMBERED: usize = 10_000;

/// Who may call a function. There is no default: each function says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone; a token is not even looked at.
    Anyone,
    /// Anyone, and whoever sends a token is known by it. A wrong token is refused.
    AnyoneOrCaller,
    /// Whoever is signed in.
    Caller,
    /// The user in the path, and administrators.
    OwnerOrAdmin,
    /// The user in the path.
    Owner,
    /// Administrators.
    Admin,
}

/// Who calls: a user whose token is genuine, whose session no change has ended, and who is active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The user.
    pub user_id: UserId,
    /// The session of the token.
    pub session_id: SessionId,
    /// Whether the user is an administrator now, not when the token was signed.
    pub is_admin: bool,
}

/// Checks access.
#[derive(Clone)]
pub struct Gate {
    issuer: Option<String>,
    guard: Option<Guard>,
}

#[derive(Clone)]
struct Guard {
    tokens: Arc<dyn TokenVerifier>,
    users: Arc<dyn UserRepository>,
    remembered: Option<Arc<TieredCache<Standing>>>,
}

/// What counts of a caller, however old the token is.
#[derive(Debug, Serialize, Deserialize)]
struct Standing {
    epoch: u64,
    is_admin: bool,
}

impl Gate {
    /// A gate which knows nobody: only functions for anyone can be reached through it.
    pub fn open(issuer: &str) -> Self {
        Self {
            issuer: Some(issuer.to_owned()).filter(|issuer| !issuer.is_empty()),
            guard: None,
        }
    }

    /// A gate which knows callers by their tokens.
    pub fn guarded(
        issuer: &str,
        tokens: Arc<dyn TokenVerifier>,
        users: Arc<dyn UserRepository>,
    ) -> Self {
        Self {
            guard: Some(Guard {
                tokens,
                users,
                remembered: None,
            }),
            ..Self::open(issuer)
        }
    }

    /// The gate which remembers callers it looked up, for `lag`. That only lets somebody in: whoever
    /// would be refused is looked up afresh. So what a user loses is gone after `lag`, and what a user
    /// gains is there at once.
    #[must_use]
    pub fn remembering(mut self, lag: Duration, clock: Arc<dyn Clock>) -> Self {
        let terms = CacheTerms {
            lifetime: lag,
            absence: None,
            seen_within: lag,
            capacity: REMEMBERED,
        };
        if let Some(guard) = self.guard.as_mut().filter(|_| !lag.is_zero()) {
            guard.remembered = Some(Arc::new(TieredCache::local(terms, clock)));
        }
        self
    }

    /// The `iss` of tokens for this call: the parameter, or else the domain name the client called.
    pub(super) fn issuer_for(&self, call: &Call) -> String {
        self.issuer
            .clone()
            .unwrap_or_else(|| format!("https://{}", call.domain()))
    }

    /// Lets the call pass, or not.
    pub(super) async fn admit(&self, access: Access, call: &Call) -> Result<Option<Caller>> {
        if access == Access::Anyone {
            return Ok(None);
        }
        if access == Access::AnyoneOrCaller && call.header(header::AUTHORIZATION.as_str()).is_none()
        {
            return Ok(None);
        }
        let (guard, grant) = self.grant(call).await?.ok_or(Refusal::Unauthenticated)?;
        let mut fresh = false;
        let standing = guard.recall(&grant, &mut fresh).await?;
        match admitted(access, call, &grant, standing.as_deref()) {
            Err(_) if !fresh => {
                let standing = guard.look_up(&grant).await?;
                Ok(Some(admitted(access, call, &grant, standing.as_ref())?))
            }
            outcome => Ok(Some(outcome?)),
        }
    }

    /// What a genuine token says.
    async fn grant(&self, call: &Call) -> Result<Option<(&Guard, Grant)>> {
        let (Some(guard), Some(token)) = (&self.guard, bearer_token(call)) else {
            return Ok(None);
        };
        let grant = guard.tokens.verify(&call.issuer, token).await?;
        Ok(grant.map(|grant| (guard, grant)))
    }
}

impl Guard {
    /// The caller's standing, as it was not long ago. Notes whether it was looked up for this.
    async fn recall(&self, grant: &Grant, fresh: &mut bool) -> Result<Option<Arc<Standing>>> {
        let look_up = async {
            *fresh = true;
            self.look_up(grant).await
        };
        match &self.remembered {
            Some(remembered) => {
                let key = format!("users:{}", grant.user_id);
                remembered.get(&key, look_up).await
            }
            None => Ok(look_up.await?.map(Arc::new)),
        }
    }

    /// The caller's standing now; nothing if the user is gone or not active.
    async fn look_up(&self, grant: &Grant) -> Result<Option<Standing>> {
        let user = self.users.find(grant.user_id).await?;
        Ok(user.filter(|user| user.active).map(|user| Standing {
            epoch: user.auth_epoch,
            is_admin: user.is_active_admin(),
        }))
    }
}

/// The caller, if this standing is enough.
fn admitted(
    access: Access,
    call: &Call,
    grant: &Grant,
    standing: Option<&Standing>,
) -> Result<Caller, Refusal> {
    let standing = standing.filter(|standing| standing.epoch == grant.epoch);
    let standing = standing.ok_or(Refusal::Unauthenticated)?;
    let caller = Caller {
        user_id: grant.user_id,
        session_id: grant.session_id,
        is_admin: standing.is_admin,
    };
    let is_owner = || {
        let owner = call.user_id_for(Some(&caller));
        owner.is_ok_and(|id| id == caller.user_id)
    };
    let admitted = match access {
        Access::Anyone | Access::AnyoneOrCaller | Access::Caller => true,
        Access::OwnerOrAdmin => caller.is_admin || is_owner(),
        Access::Owner => is_owner(),
        Access::Admin => caller.is_admin,
    };
    if admitted {
        Ok(caller)
    } else {
        Err(Refusal::Forbidden)
    }
}

/// RFC 6750, 2.1; the scheme's name in any letter case (RFC 9110, 11.1).
fn bearer_token(call: &Call) -> Option<&str> {
    let (scheme, token) = call
        .header(header::AUTHORIZATION.as_str())?
        .split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
