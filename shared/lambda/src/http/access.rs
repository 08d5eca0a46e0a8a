//! Who may call a function, and how recently they must have signed in for it.

use application::ports::AccessTokenClaims;
use domain::{
    Authority, Refusal, Result, ServiceName, SessionId, Timestamp, UserId, session::RECENT,
};
use serde::{Deserialize, Serialize};

use super::{Machine, Request};

/// Who may call a function, as in `Access::OWNER_OR_ADMIN.recent()`. There is no default: each function
/// says it, and `x-access` in `openapi.yaml` says the same: `owner-or-admin recent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    pub who: Who,
    pub recent: Recent,
    /// Whether a former caller is let in to repeat a request.
    pub(super) repeatable: bool,
}

/// Who may call. A machine may where its role lets it in, and where a token is not looked at; nowhere
/// else is its key even read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Anyone; a token is not even looked at.
    Anyone,
    /// Anyone; a caller who sends a token is known by it. A wrong token is refused.
    AnyoneOrCaller,
    /// As there; and machines whose role lets them do at least that.
    AnyoneOr(Authority),
    /// Users who are signed in.
    Caller,
    /// The user in the path.
    Owner,
    /// The user in the path, and all whose roles let them do at least that.
    OwnerOr(Authority),
    /// All whose roles let them do at least that.
    Role(Authority),
    /// Machines which are services, and administrators.
    Service,
    /// The machine which is the service in the path, and administrators.
    OwnService,
}

impl Who {
    /// What a role must let its holder do to open the way.
    pub(super) fn by_role(self) -> Option<Authority> {
        match self {
            Self::Anyone | Self::Caller | Self::Owner => None,
            Self::AnyoneOrCaller | Self::Service | Self::OwnService => Some(Authority::Admin),
            Self::AnyoneOr(least) | Self::OwnerOr(least) | Self::Role(least) => Some(least),
        }
    }

    /// Whether there are API keys that may.
    pub(super) fn has_machines(self) -> bool {
        matches!(self, Self::Service | Self::OwnService)
            || self.by_role().is_some_and(|least| least < Authority::Admin)
    }

    /// Whether this machine may.
    pub(super) fn admits(self, machine: &Machine, request: &Request) -> bool {
        match self {
            Self::Service => machine.is_service,
            Self::OwnService => {
                let own = machine.service.as_ref().map(ServiceName::as_str);
                machine.is_service && own.is_some() && own == request.parameter("name")
            }
            _ => {
                let least = self.by_role();
                least.is_some_and(|least| machine.authority >= least)
            }
        }
    }
}

/// Of whom a recent sign-in is demanded: at most [`RECENT`] old, in a session that is live now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recent {
    /// Of nobody.
    Nobody,
    /// Of callers whom a role lets in; not of the owner.
    ByRole,
    /// Of everybody, unless it is about the session that calls: who signs out is never asked for a proof.
    UnlessCurrent,
    /// Of everybody, unless the body has the current password. Only the handler can tell: it asks
    /// [`Caller::require_recent`].
    OrPassword,
    /// Of everybody.
    Everybody,
}

impl Access {
    pub const ANYONE: Self = Self::of(Who::Anyone);
    pub const ANYONE_OR_CALLER: Self = Self::of(Who::AnyoneOrCaller);
    pub const CALLER: Self = Self::of(Who::Caller);
    pub const ANYONE_OR_SUPPORT: Self = Self::of(Who::AnyoneOr(Authority::Support));
    pub const OWNER: Self = Self::of(Who::Owner);
    pub const OWNER_OR_READER: Self = Self::of(Who::OwnerOr(Authority::Reader));
    pub const OWNER_OR_SUPPORT: Self = Self::of(Who::OwnerOr(Authority::Support));
    pub const OWNER_OR_ADMIN: Self = Self::of(Who::OwnerOr(Authority::Admin));
    pub const READER: Self = Self::of(Who::Role(Authority::Reader));
    pub const SUPPORT: Self = Self::of(Who::Role(Authority::Support));
    pub const SERVICE_OR_ADMIN: Self = Self::of(Who::Service);
    pub const OWN_SERVICE_OR_ADMIN: Self = Self::of(Who::OwnService);
    pub const ADMIN: Self = Self::of(Who::Role(Authority::Admin));

    const fn of(who: Who) -> Self {
        Self {
            who,
            recent: Recent::Nobody,
            repeatable: false,
        }
    }

    /// For what ends the token by which it is asked for: with an `Idempotency-Key`, the sender of a
    /// genuine token that does not count any more reaches the handler too, which sees no caller but
    /// [`Request::former_caller`], and may but say that the request was carried out.
    #[must_use]
    pub const fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// With a recent sign-in: [`Recent::Everybody`].
    #[must_use]
    pub const fn recent(mut self) -> Self {
        self.recent = Recent::Everybody;
        self
    }

    /// With a recent sign-in of those whom a role lets in: [`Recent::ByRole`].
    #[must_use]
    pub const fn recent_by_role(mut self) -> Self {
        self.recent = Recent::ByRole;
        self
    }

    /// With a recent sign-in where it is about another session: [`Recent::UnlessCurrent`].
    #[must_use]
    pub const fn recent_unless_current(mut self) -> Self {
        self.recent = Recent::UnlessCurrent;
        self
    }

    /// With a recent sign-in or the current password: [`Recent::OrPassword`].
    #[must_use]
    pub const fn recent_or_password(mut self) -> Self {
        self.recent = Recent::OrPassword;
        self
    }
}

/// The user who calls: active, with a valid token whose session was not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub user_id: UserId,
    /// The session of the token.
    pub session_id: SessionId,
    /// What the user may do to others now, not when the token was signed.
    pub authority: Authority,
    /// Whether the sign-in of the token is at most [`RECENT`] old.
    pub is_recent: bool,
}

impl Caller {
    /// Demands a recent sign-in, where [`Recent::OrPassword`] leaves that to the handler.
    ///
    /// # Errors
    /// `RecentSignInRequired`.
    pub fn require_recent(&self) -> Result<(), Refusal> {
        if self.is_recent {
            Ok(())
        } else {
            Err(Refusal::RecentSignInRequired(RECENT))
        }
    }
}

/// The state of a caller that counts now, whatever the token says. There is none unless the session is
/// live.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CallerStatus {
    pub(super) epoch: u64,
    pub(super) authority: Authority,
}

/// One call by somebody with a genuine token.
pub(super) struct Call<'a> {
    pub(super) access: Access,
    pub(super) request: &'a Request,
    pub(super) claims: &'a AccessTokenClaims,
    pub(super) now: Timestamp,
}

impl Call<'_> {
    /// The caller, if this status is enough.
    pub(super) fn authorize(&self, status: Option<&CallerStatus>) -> Result<Caller, Refusal> {
        let status = status.filter(|status| status.epoch == self.claims.epoch);
        let status = status.ok_or(Refusal::Unauthenticated)?;
        let caller = Caller {
            user_id: self.claims.user_id,
            session_id: self.claims.session_id,
            authority: status.authority,
            is_recent: self.claims.auth_time.plus(RECENT) > self.now,
        };
        let may = match self.access.who {
            Who::Anyone | Who::AnyoneOrCaller | Who::AnyoneOr(_) | Who::Caller => true,
            Who::Owner => self.is_owner(&caller),
            Who::OwnerOr(least) => caller.authority >= least || self.is_owner(&caller),
            Who::Role(least) => caller.authority >= least,
            Who::Service | Who::OwnService => caller.authority >= Authority::Admin,
        };
        if !may {
            return Err(Refusal::Forbidden);
        }
        if self.demands_recent(&caller) && self.access.recent != Recent::OrPassword {
            caller.require_recent()?;
        }
        Ok(caller)
    }

    /// Whether it may take a recent sign-in of this caller.
    pub(super) fn demands_recent(&self, caller: &Caller) -> bool {
        match self.access.recent {
            Recent::Nobody => false,
            Recent::ByRole => {
                let least = self.access.who.by_role();
                least.is_some_and(|least| caller.authority >= least) && !self.is_owner(caller)
            }
            Recent::UnlessCurrent => {
                let session = self.request.parameter("sid");
                session.is_some_and(|id| id.parse().ok() != Some(caller.session_id))
            }
            Recent::OrPassword | Recent::Everybody => true,
        }
    }

    /// Whether what a process remembers of this caller is not enough: where a token alone is not, but a
    /// recent sign-in, the password or a mailed link beside it. Who was shut out may have any of them.
    pub(super) fn demands_a_look(&self, caller: &Caller) -> bool {
        self.demands_recent(caller)
            || self.access.repeatable
            || self.access.who == Who::AnyoneOrCaller
    }

    /// Whether the function is about a user, and that is the caller.
    fn is_owner(&self, caller: &Caller) -> bool {
        let owner = self.request.user_id_for(Some(caller));
        matches!(self.access.who, Who::Owner | Who::OwnerOr(_))
            && owner.is_ok_and(|id| id == caller.user_id)
    }
}
