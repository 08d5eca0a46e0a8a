//! Sign-up: who may.

use std::str::FromStr;

use super::Refusal;

/// Who may create users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignUpPolicy {
    /// Anyone; a taken address is answered by 409.
    Open,
    /// Anyone; nobody learns whether an address is taken.
    Concealed,
    /// Administrators.
    Admin,
}

/// How a user is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignUpMode {
    /// An administrator invites the user; without limits.
    ByAdmin,
    /// Somebody signs up, and learns if the address is taken.
    Open,
    /// Somebody signs up, and never learns that.
    Concealed,
}

impl SignUpPolicy {
    /// How a caller creates users. `may_invite` is known of callers who are signed in.
    ///
    /// # Errors
    /// `Unauthenticated` or `Forbidden` where only administrators may.
    pub fn mode_for(self, may_invite: Option<bool>) -> Result<SignUpMode, Refusal> {
        match (self, may_invite) {
            (_, Some(true)) => Ok(SignUpMode::ByAdmin),
            (Self::Open, _) => Ok(SignUpMode::Open),
            (Self::Concealed, _) => Ok(SignUpMode::Concealed),
            (Self::Admin, None) => Err(Refusal::Unauthenticated),
            (Self::Admin, Some(false)) => Err(Refusal::Forbidden),
        }
    }
}

impl FromStr for SignUpPolicy {
    type Err = String;

    fn from_str(raw: &str) -> Result<Self, String> {
        match raw {
            "open" => Ok(Self::Open),
            "concealed" => Ok(Self::Concealed),
            "admin" => Ok(Self::Admin),
            _ => Err("is not one of open, concealed, admin".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_one_of_three() {
        for (raw, policy) in [
            ("open", SignUpPolicy::Open),
            ("concealed", SignUpPolicy::Concealed),
            ("admin", SignUpPolicy::Admin),
        ] {
            assert_eq!(raw.parse(), Ok(policy));
        }
        assert!("closed".parse::<SignUpPolicy>().is_err());
    }

    #[test]
    fn only_administrators_create_users_under_the_admin_policy() {
        let closed = SignUpPolicy::Admin;
        assert_eq!(closed.mode_for(None), Err(Refusal::Unauthenticated));
        assert_eq!(closed.mode_for(Some(false)), Err(Refusal::Forbidden));
        assert_eq!(closed.mode_for(Some(true)), Ok(SignUpMode::ByAdmin));
    }

    #[test]
    fn administrators_have_no_limits_under_any_policy() {
        for (policy, mode) in [
            (SignUpPolicy::Open, SignUpMode::Open),
            (SignUpPolicy::Concealed, SignUpMode::Concealed),
        ] {
            assert_eq!(policy.mode_for(Some(true)), Ok(SignUpMode::ByAdmin));
            assert_eq!(policy.mode_for(Some(false)), Ok(mode));
            assert_eq!(policy.mode_for(None), Ok(mode));
        }
    }
}
