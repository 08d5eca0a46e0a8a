//! Mails, and what to do when nobody knows whether one was sent.

use super::Email;

/// A mail to one user.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// The address of the user, or one the user asks for.
    pub to: Email,
    /// One line.
    pub subject: String,
    /// The `text/plain` part.
    pub text: String,
    /// The `text/html` part.
    pub html: String,
}

/// Masked: a mail is personal data, and may hold a token.
impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail")
            .field("to", &self.to)
            .finish_non_exhaustive()
    }
}

/// What to do about a mail whose worker died between the mail service accepting it and the ledger
/// noting so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailGuarantee {
    /// Send it again: it may arrive twice.
    NeverLost,
    /// Do not send it again: it may never arrive.
    NeverTwice,
}

impl std::str::FromStr for MailGuarantee {
    type Err = String;

    fn from_str(raw: &str) -> Result<Self, String> {
        match raw {
            "never-lost" => Ok(Self::NeverLost),
            "never-twice" => Ok(Self::NeverTwice),
            _ => Err("is not one of never-lost, never-twice".to_owned()),
        }
    }
}
