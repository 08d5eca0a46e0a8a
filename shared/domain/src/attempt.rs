//! Limits on attempts. Attempts are counted for each subject and spent before anything is tried, so
//! that however many come at once, no more than allowed are.

mod limit;

use std::{fmt::Display, net::IpAddr};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use super::{
    Actor, ApiKeyId, DomainEvent, Email, EventKind, UserId,
    device::Device,
    event::{EventData, EventMetadata},
    token::TokenHash,
};

pub use limit::{AttemptCounter, Limit};

/// Names a counter: what is counted, and for whom.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptKey {
    scope: Scope,
    subject: String,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Guesses at the password of an account from unknown devices.
    Account,
    /// Guesses at the password of a user from a known device.
    Device,
    /// Wrong guesses from one client IP.
    Source,
    /// Right sign-ins of one user, and other right proofs of who it is.
    SignIn,
    /// Sign-ups from one client IP.
    SignUp,
    /// Requests for mails from one client IP.
    MailFrom,
    /// Mails of one kind to one address: all of them, those which one asker had sent, or those with one
    /// link.
    MailTo,
    /// Mails which one user, or one client IP, had sent.
    MailAsker,
    /// All mails of the deployment.
    Mails,
    /// Requests of one user for another address.
    EmailChange,
    /// Calls with an API key.
    ApiKey,
    /// Repetitions of one request.
    Repetition,
    /// Passwords that were chosen by one link.
    Choice,
}

impl Scope {
    /// The name by which it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Device => "device",
            Self::Source => "source",
            Self::SignIn => "sign-in",
            Self::SignUp => "sign-up",
            Self::MailFrom => "mail-from",
            Self::MailTo => "mail-to",
            Self::MailAsker => "mail-asker",
            Self::Mails => "mails",
            Self::EmailChange => "email-change",
            Self::ApiKey => "api-key",
            Self::Repetition => "repetition",
            Self::Choice => "choice",
        }
    }
}

impl AttemptKey {
    /// The counter of an address, whether or not it has an account. The address itself is not stored:
    /// its owner may not be a user.
    pub fn of_address(scope: Scope, email: &Email) -> Self {
        let subject = email.digest();
        Self { scope, subject }
    }

    /// The counter of mails of one kind to an address. It begins anew with each `epoch`.
    pub fn of_mail(kind: &str, epoch: u64, email: &Email) -> Self {
        let Self { scope, subject } = Self::of_address(Scope::MailTo, email);
        let subject = format!("{kind}#{epoch}#{subject}");
        Self { scope, subject }
    }

    /// The part of this counter that is for `part` alone.
    #[must_use]
    pub fn part(&self, part: impl Display) -> Self {
        Self {
            scope: self.scope,
            subject: format!("{}#{part}", self.subject),
        }
    }

    /// The counter of a user.
    pub fn of_user(scope: Scope, user: UserId) -> Self {
        let subject = user.to_string();
        Self { scope, subject }
    }

    /// The counter of the whole deployment.
    pub fn of_deployment(scope: Scope) -> Self {
        let subject = "all".to_owned();
        Self { scope, subject }
    }

    /// The counter of a known device, which is that of one user.
    pub fn of_device(device: &Device) -> Self {
        Self {
            scope: Scope::Device,
            subject: format!("{}#{}", device.user_id, device.id.simple()),
        }
    }

    /// The counter of a client IP. The owner of an IPv6 address has the 2^64 around it, so those count
    /// as one. Without an address all count as one: that does not happen behind the gateway.
    pub fn of_client_ip(scope: Scope, source: Option<IpAddr>) -> Self {
        let subject = match source.map(|address| address.to_canonical()) {
            Some(IpAddr::V4(address)) => address.to_string(),
            Some(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
            None => "unknown".to_owned(),
        };
        Self { scope, subject }
    }

    /// The counter of an API key.
    pub fn of_api_key(id: ApiKeyId) -> Self {
        Self {
            scope: Scope::ApiKey,
            subject: id.to_string(),
        }
    }

    /// The counter of what is done by one token: the passwords that are chosen, or repetitions of the
    /// request that used it.
    pub fn of_receipt(scope: Scope, receipt: &TokenHash) -> Self {
        let subject = receipt.to_string();
        Self { scope, subject }
    }

    /// The counter of repetitions of the request that `actor` sent with an `Idempotency-Key`.
    pub fn of_request(actor: Actor, key: &str) -> Self {
        let hash = Sha256::new()
            .chain_update(actor.to_string())
            .chain_update([0])
            .chain_update(key);
        Self {
            scope: Scope::Repetition,
            subject: BASE64_URL_SAFE_NO_PAD.encode(hash.finalize()),
        }
    }

    /// What is counted.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// For whom it is counted: the hash of an address, a client IP, a user, a device, an API key, a
    /// request.
    pub fn subject(&self) -> &str {
        &self.subject
    }
}

/// The event that sign-in is locked after too many attempts. It names the user if one has the address.
pub fn sign_in_locked(user: Option<UserId>, metadata: &EventMetadata) -> DomainEvent {
    DomainEvent {
        user_id: user,
        ..metadata.event(EventKind::SignInLocked, EventData::default())
    }
}

#[cfg(test)]
mod tests;
