//! Sign-up: who may.

use std::str::FromStr;

/// Principal may create users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignUpPolicy {
    /// Anyone; a taken address is told.
    Open,
    /// Anyone; nobody learns whether an address is taken.
    Concealed,
    /// Administrators.
    Admin,
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
