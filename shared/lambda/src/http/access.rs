//! Who may call a function.

use std::{sync::Arc, time::Duration};

use application::{
    cache::{CacheConfig, TieredCache},
    ports::{AccessTokenClaims, Clock, TokenVerifier, UserRepository},
};
use domain::{Refusal, Result, SessionId, UserId};
use lambda_http::http::header;
use serde::{Deserialize, Serialize};

use super::Request;

/// How many callers a process remembers: some 200 bytes each.
const REMEMBERED: usize = 10_000;

/// Who may call a function. There is no default: each function says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone; a token is not even looked at.
    Anyone,
    /// Anyone; a caller who sends a token is known by it. A wrong token is refused.
    AnyoneOrCaller,
    /// Users who are signed in.
    Caller,
    /// The user in the path, and administrators.
    OwnerOrAdmin,
    /// The user in the path.
    Owner,
    /// Administrators.
    Admin,
}

/// Who calls: an active user with a valid token whose session was not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub user_id: UserId,
    /// The session of the token.
    pub session_id: SessionId,
    /// Whether the user is an administrator now, not when the token was signed.
    pub is_admin: bool,
}

/// Checks access.
#[derive(Clone)]
pub struct Authenticator {
    issuer: Option<String>,
    lookup: Option<CallerLookup>,
}

#[derive(Clone)]
struct CallerLookup {
    tokens: Arc<dyn TokenVerifier>,
    users: Arc<dyn UserRepository>,
    remembered: Option<Arc<TieredCache<CallerStatus>>>,
}

/// The state of a caller that counts now, whatever the token says.
#[derive(Debug, Serialize, Deserialize)]
struct CallerStatus {
    epoch: u64,
    is_admin: bool,
}

impl Authenticator {
    /// An authenticator which knows nobody: only functions for anyone can be reached through it.
    pub fn open(issuer: &str) -> Self {
        Self {
            issuer: Some(issuer.to_owned()).filter(|issuer| !issuer.is_empty()),
            lookup: None,
        }
    }

    /// An authenticator which knows callers by their tokens.
    pub fn guarded(
        issuer: &str,
        tokens: Arc<dyn TokenVerifier>,
        users: Arc<dyn UserRepository>,
    ) -> Self {
        Self {
            lookup: Some(CallerLookup {
                tokens,
                users,
                remembered: None,
            }),
            ..Self::open(issuer)
        }
    }

    /// The authenticator which remembers callers it looked up, for `lag`. A refusal is never
    /// remembered: a caller who would be refused is looked up afresh. So what a user loses is gone
    /// after `lag`, and what a user gains is there at once.
    #[must_use]
    pub fn remembering(mut self, lag: Duration, clock: Arc<dyn Clock>) -> Self {
        let config = CacheConfig {
            lifetime: lag,
            negative_ttl: None,
            max_staleness: lag,
            capacity: REMEMBERED,
        };
        if let Some(lookup) = self.lookup.as_mut().filter(|_| !lag.is_zero()) {
            lookup.remembered = Some(Arc::new(TieredCache::local(config, clock)));
        }
        self
    }

    /// The `iss` of tokens for this call: the parameter, or else the domain name the client called.
    pub(super) fn issuer_for(&self, request: &Request) -> String {
        self.issuer
            .clone()
            .unwrap_or_else(|| format!("https://{}", request.domain()))
    }

    /// Lets the call pass, or not.
    pub(super) async fn authorize(
        &self,
        access: Access,
        request: &Request,
    ) -> Result<Option<Caller>> {
        if access == Access::Anyone {
            return Ok(None);
        }
        if access == Access::AnyoneOrCaller
            && request.header(header::AUTHORIZATION.as_str()).is_none()
        {
            return Ok(None);
        }
        let (lookup, claims) = self
            .verify(request)
            .await?
            .ok_or(Refusal::Unauthenticated)?;
        let mut fresh = false;
        let status = lookup.recall(&claims, &mut fresh).await?;
        match authorized(access, request, &claims, status.as_deref()) {
            Err(_) if !fresh => {
                let status = lookup.look_up(&claims).await?;
                Ok(Some(authorized(access, request, &claims, status.as_ref())?))
            }
            outcome => Ok(Some(outcome?)),
        }
    }

    /// What a genuine token says.
    async fn verify(
        &self,
        request: &Request,
    ) -> Result<Option<(&CallerLookup, AccessTokenClaims)>> {
        let (Some(lookup), Some(token)) = (&self.lookup, bearer_token(request)) else {
            return Ok(None);
        };
        let claims = lookup.tokens.verify(&request.issuer, token).await?;
        Ok(claims.map(|claims| (lookup, claims)))
    }
}

impl CallerLookup {
    /// The caller's status, as it was not long ago. Notes whether it was looked up for this.
    async fn recall(
        &self,
        claims: &AccessTokenClaims,
        fresh: &mut bool,
    ) -> Result<Option<Arc<CallerStatus>>> {
        let look_up = async {
            *fresh = true;
            self.look_up(claims).await
        };
        match &self.remembered {
            Some(remembered) => {
                let key = format!("users:{}", claims.user_id);
                remembered.get(&key, look_up).await
            }
            None => Ok(look_up.await?.map(Arc::new)),
        }
    }

    /// The caller's status now; nothing if the user is gone or not active.
    async fn look_up(&self, claims: &AccessTokenClaims) -> Result<Option<CallerStatus>> {
        let user = self.users.find(claims.user_id).await?;
        Ok(user.filter(|user| user.active).map(|user| CallerStatus {
            epoch: user.auth_epoch,
            is_admin: user.is_active_admin(),
        }))
    }
}

/// The caller, if this status is enough.
fn authorized(
    access: Access,
    request: &Request,
    claims: &AccessTokenClaims,
    status: Option<&CallerStatus>,
) -> Result<Caller, Refusal> {
    let status = status.filter(|status| status.epoch == claims.epoch);
    let status = status.ok_or(Refusal::Unauthenticated)?;
    let caller = Caller {
        user_id: claims.user_id,
        session_id: claims.session_id,
        is_admin: status.is_admin,
    };
    let is_owner = || {
        let owner = request.user_id_for(Some(&caller));
        owner.is_ok_and(|id| id == caller.user_id)
    };
    let authorized = match access {
        Access::Anyone | Access::AnyoneOrCaller | Access::Caller => true,
        Access::OwnerOrAdmin => caller.is_admin || is_owner(),
        Access::Owner => is_owner(),
        Access::Admin => caller.is_admin,
    };
    if authorized {
        Ok(caller)
    } else {
        Err(Refusal::Forbidden)
    }
}

/// RFC 6750, 2.1; the scheme's name in any letter case (RFC 9110, 11.1).
fn bearer_token(request: &Request) -> Option<&str> {
    let (scheme, token) = request
        .header(header::AUTHORIZATION.as_str())?
        .split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
