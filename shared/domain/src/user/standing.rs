//! How far an account is confirmed.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How far an account is confirmed. To prove the address (by a link from its mailbox) and to control the
/// account (by a session or the password) are two facts; an account is settled when both come together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Confirmed; or from before this was noted, or imported: the owner's next proof confirms it.
    #[default]
    Settled,
    /// A sign-up whose address nobody proved. Who proves it may take the address over or free it.
    Provisional,
    /// Made by an administrator for a person who has not answered. It has no credentials.
    Invited,
}

impl Standing {
    /// True if a link from the mailbox can neither replace nor erase the account.
    pub fn is_settled(&self) -> bool {
        *self == Self::Settled
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Settled => "settled",
            Self::Provisional => "provisional",
            Self::Invited => "invited",
        })
    }
}
