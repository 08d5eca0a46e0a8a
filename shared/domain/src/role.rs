//! Roles.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize};

use super::{error::Violation, word::is_word};

/// What a user is to the application: a lower-case word of up to 32 letters, digits and hyphens. Three
/// of them count in Roster itself, see [`Authority`]; all travel in the access token.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Role(String);

/// Characters a role may have.
const MAX_CHARS: usize = 32;

/// Roles a user may have: they all travel in each access token.
pub const MAX_ROLES: usize = 20;

/// The roles of one user.
pub type Roles = BTreeSet<Role>;

impl Role {
    /// Administers the users of this deployment.
    pub fn admin() -> Self {
        Self("admin".to_owned())
    }

    /// Works for users: reads them, and helps those without a role.
    pub fn support() -> Self {
        Self("support".to_owned())
    }

    /// Reads users and the audit trail.
    pub fn reader() -> Self {
        Self("reader".to_owned())
    }

    /// A service which registers itself. Has no authority over users.
    pub fn service() -> Self {
        Self("service".to_owned())
    }

    /// A role read back from storage, taken as it is: what was accepted once stays readable when a
    /// later release accepts less. Input is parsed instead.
    pub fn stored(raw: String) -> Self {
        Self(raw)
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Role {
    type Err = Violation;

    fn from_str(raw: &str) -> Result<Self, Violation> {
        if is_word(raw, MAX_CHARS) {
            Ok(Self(raw.to_owned()))
        } else {
            Err(Violation::new(
                "invalid-role",
                format!("is not a lower-case word of 1 to {MAX_CHARS} letters, digits and hyphens"),
            ))
        }
    }
}

/// What a role lets its holder do to users other than themselves. Each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Authority {
    /// Nothing.
    None,
    /// Read users and the audit trail.
    Reader,
    /// Help users who have no role: end their sessions, start their recovery, invite them.
    Support,
    /// Everything that is done to users.
    Admin,
}

impl Authority {
    /// What `roles` let their holder do.
    pub fn of(roles: &Roles) -> Self {
        roles
            .iter()
            .map(Role::authority)
            .max()
            .unwrap_or(Self::None)
    }
}

impl Role {
    /// What the role lets its holder do.
    pub fn authority(&self) -> Authority {
        match self.as_str() {
            "admin" => Authority::Admin,
            "support" => Authority::Support,
            "reader" => Authority::Reader,
            _ => Authority::None,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// As [`Role::stored`]: only stored values and verified tokens are deserialized.
impl<'de> Deserialize<'de> for Role {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_roles_the_most_powerful_counts() {
        let of = |roles: &[Role]| Authority::of(&roles.iter().cloned().collect());
        let editor = Role::stored("editor".to_owned());
        assert_eq!(of(&[]), Authority::None);
        assert_eq!(of(&[Role::service(), editor.clone()]), Authority::None);
        assert_eq!(of(&[Role::reader(), editor]), Authority::Reader);
        assert_eq!(of(&[Role::support(), Role::reader()]), Authority::Support);
        assert_eq!(of(&[Role::support(), Role::admin()]), Authority::Admin);
        assert!(Authority::None < Authority::Reader && Authority::Reader < Authority::Support);
        assert!(Authority::Support < Authority::Admin);
    }

    #[test]
    fn a_role_is_a_short_lower_case_word() {
        for raw in ["admin", "support-2", "a"] {
            assert_eq!(raw.parse::<Role>().map(|role| role.0).as_deref(), Ok(raw));
        }
        for raw in ["", "Admin", "2nd", "-a", "a b", "ä", &"a".repeat(33)] {
            assert!(raw.parse::<Role>().is_err(), "{raw:?}");
        }
    }
}
