//! What most tests of handlers begin with.

use std::sync::Arc;

use domain::{Authority, Role, Roles, Timestamp, User, UserId};
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
    /// A user with the role `support`.
    Support,
    /// A user with the role `reader`.
    Reader,
    /// A machine with a key of this role.
    SupportKey,
    ReaderKey,
    ServiceKey,
}

impl Principal {
    pub(crate) const ALL: [Self; 12] = [
        Self::Anonymous,
        Self::InvalidToken,
        Self::Other,
        Self::Owner,
        Self::OldOwner,
        Self::Admin,
        Self::OldAdmin,
        Self::Support,
        Self::Reader,
        Self::SupportKey,
        Self::ReaderKey,
        Self::ServiceKey,
    ];

    pub(crate) fn is_admin(self) -> bool {
        matches!(self, Self::Admin | Self::OldAdmin)
    }

    /// A user, and not Ann: `me` is not the one whom requests are about.
    pub(crate) fn is_another_user(self) -> bool {
        let is_other = matches!(self, Self::Other | Self::Support | Self::Reader);
        is_other || self.is_admin()
    }

    pub(crate) fn is_machine(self) -> bool {
        matches!(self, Self::SupportKey | Self::ReaderKey | Self::ServiceKey)
    }

    fn authority(self) -> Authority {
        match self {
            Self::Admin | Self::OldAdmin => Authority::Admin,
            Self::Support | Self::SupportKey => Authority::Support,
            Self::Reader | Self::ReaderKey => Authority::Reader,
            _ => Authority::None,
        }
    }

    /// Status and code with which the principal is refused, if it is: by the access check, or because
    /// the user does not exist.
    pub(crate) fn refusal(self, access: Access, exists: bool) -> Option<(u16, &'static str)> {
        let is_owner = matches!(self, Self::Owner | Self::OldOwner) && exists;
        let is_person = !self.is_machine();
        let may = match access.who {
            Who::Anyone => return None,
            Who::AnyoneOrCaller | Who::AnyoneOr(_) if self == Self::Anonymous => return None,
            Who::AnyoneOrCaller | Who::Caller => is_person,
            Who::AnyoneOr(least) => is_person || self.authority() >= least,
            Who::Owner => is_owner,
            Who::OwnerOr(least) => is_owner || self.authority() >= least,
            Who::Role(least) => self.authority() >= least,
            // The key is for the service in the paths of tests.
            Who::Service | Who::OwnService => self == Self::ServiceKey || self.is_admin(),
        };
        let is_old = match access.recent {
            // With the password, which the requests of tests have.
            Recent::Nobody | Recent::OrPassword => false,
            Recent::ByRole => self == Self::OldAdmin,
            // Requests of tests are about a session other than that of the sender.
            Recent::UnlessCurrent | Recent::Everybody => {
                matches!(self, Self::OldOwner | Self::OldAdmin)
            }
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

    /// What a principal sends as `Authorization: Bearer`, if anything. Users with a role of little power,
    /// and keys, are there once they are asked for.
    pub async fn token(&self, principal: Principal) -> Option<String> {
        let person = async |role: Role| {
            let name = role.to_string();
            self.backend.sign_up(&name, Roles::from([role])).await.token
        };
        let key = async |role: Role| self.backend.add_api_key(&role).await.1;
        Some(match principal {
            Principal::Anonymous => return None,
            Principal::InvalidToken => "invalid".to_owned(),
            Principal::Other => self.bob.token.clone(),
            Principal::Owner => self.ann.token.clone(),
            Principal::OldOwner => self.ann.old_token.clone(),
            Principal::Admin => self.admin.token.clone(),
            Principal::OldAdmin => self.admin.old_token.clone(),
            Principal::Support => person(Role::support()).await,
            Principal::Reader => person(Role::reader()).await,
            Principal::SupportKey => key(Role::support()).await,
            Principal::ReaderKey => key(Role::reader()).await,
            Principal::ServiceKey => key(Role::service()).await,
        })
    }

    /// A well-formed id that no user has.
    pub fn nobody() -> UserId {
        UserId::new(Timestamp::from_seconds(1), [9; 10])
    }
}
