//! What most tests of handlers begin with.

use std::sync::Arc;

use domain::{Role, Roles, Timestamp, User, UserId};
use lambda::http::{Access, Recent, Who};

use crate::{FakeBackend, Person};

/// A backend with an administrator, Ann and Bob, all signed in.
#[derive(Debug)]
pub struct Fixture {
    pub backend: Arc<FakeBackend>,
    /// The only administrator.
    pub admin: Person,
    /// A user: the one whom requests are about.
    pub ann: Person,
    /// Another user.
    pub bob: Person,
}

/// Who sends a request about Ann.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Principal {
    /// No token.
    Anonymous,
    /// A token that nobody signed.
    InvalidToken,
    /// Bob.
    Other,
    /// Ann.
    Owner,
    /// Ann, who signed in long ago.
    OldOwner,
    /// The administrator.
    Admin,
    /// The administrator, who signed in long ago.
    OldAdmin,
}

impl Principal {
    pub(crate) const ALL: [Self; 7] = [
        Self::Anonymous,
        Self::InvalidToken,
        Self::Other,
        Self::Owner,
        Self::OldOwner,
        Self::Admin,
        Self::OldAdmin,
    ];

    pub(crate) fn is_admin(self) -> bool {
        matches!(self, Self::Admin | Self::OldAdmin)
    }

    /// Status and code with which the principal is refused, if it is: by the access check, or because
    /// the user does not exist.
    pub(crate) fn refusal(self, access: Access, exists: bool) -> Option<(u16, &'static str)> {
        let is_owner = matches!(self, Self::Owner | Self::OldOwner) && exists;
        let may = match access.who {
            Who::Anyone => return None,
            Who::AnyoneOrCaller if self == Self::Anonymous => return None,
            Who::AnyoneOrCaller | Who::Caller => true,
            Who::OwnerOrAdmin => is_owner || self.is_admin(),
            Who::Owner => is_owner,
            Who::Admin => self.is_admin(),
        };
        let is_old = match access.recent {
            // With the password, which the requests of tests have.
            Recent::Nobody | Recent::OrPassword => false,
            Recent::ByRole => self == Self::OldAdmin,
            Recent::Everybody => matches!(self, Self::OldOwner | Self::OldAdmin),
        };
        match self {
            Self::Anonymous | Self::InvalidToken => Some((401, "unauthenticated")),
            _ if !may => Some((403, "forbidden")),
            _ if is_old => Some((401, "recent-sign-in-required")),
            _ if !exists => Some((404, "not-found")),
            _ => None,
        }
    }
}

impl Fixture {
    /// A new one, with an empty trace.
    pub async fn new() -> Self {
        let backend = FakeBackend::new();
        let admin = Roles::from([Role::admin()]);
        let fixture = Self {
            admin: backend.sign_up("Admin", admin).await,
            ann: backend.sign_up("Ann", Roles::new()).await,
            bob: backend.sign_up("Bob", Roles::new()).await,
            backend,
        };
        fixture.backend.clear_trace();
        fixture
    }

    /// Ann's account as it is now.
    pub fn ann(&self) -> User {
        self.backend.user(self.ann.id).expect("Ann has an account")
    }

    /// The access token of a principal, if there is one.
    pub fn token(&self, principal: Principal) -> Option<&str> {
        match principal {
            Principal::Anonymous => None,
            Principal::InvalidToken => Some("invalid"),
            Principal::Other => Some(&self.bob.token),
            Principal::Owner => Some(&self.ann.token),
            Principal::OldOwner => Some(&self.ann.old_token),
            Principal::Admin => Some(&self.admin.token),
            Principal::OldAdmin => Some(&self.admin.old_token),
        }
    }

    /// A well-formed id that no user has.
    pub fn nobody() -> UserId {
        UserId::new(Timestamp::from_seconds(1), [9; 10])
    }
}
