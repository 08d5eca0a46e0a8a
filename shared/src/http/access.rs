//! Who may call a function.

use std::sync::Arc;

use lambda_http::http::header;

use super::Call;
use crate::{
    domain::{Refusal, Result, SessionId, UserId},
    ports::{TokenVerifier, UserRepository},
};

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
            guard: Some(Guard { tokens, users }),
            ..Self::open(issuer)
        }
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
        let caller = self.identify(call).await?.ok_or(Refusal::Unauthenticated)?;
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
            Ok(Some(caller))
        } else {
            Err(Refusal::Forbidden.into())
        }
    }

    async fn identify(&self, call: &Call) -> Result<Option<Caller>> {
        let (Some(guard), Some(token)) = (&self.guard, bearer_token(call)) else {
            return Ok(None);
        };
        let Some(grant) = guard.tokens.verify(&call.issuer, token).await? else {
            return Ok(None);
        };
        // The token may be minutes old; what counts is the user now.
        let user = guard.users.find(grant.user_id).await?;
        Ok(user
            .filter(|user| user.active && user.auth_epoch == grant.epoch)
            .map(|user| Caller {
                user_id: user.id,
                session_id: grant.session_id,
                is_admin: user.is_active_admin(),
            }))
    }
}

/// RFC 6750, 2.1; the scheme's name in any letter case (RFC 9110, 11.1).
fn bearer_token(call: &Call) -> Option<&str> {
    let (scheme, token) = call
        .header(header::AUTHORIZATION.as_str())?
        .split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
