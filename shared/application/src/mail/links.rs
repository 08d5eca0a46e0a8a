//! Links in mails, which prove that the reader reads the mail of an address.

use std::sync::Arc;

use domain::{
    DomainEvent, OneTimeToken, Result, TokenPurpose, UserId,
    token::{TokenBinding, TokenKey},
};
use secrecy::{ExposeSecret as _, SecretString};

use super::MailBranding;
use crate::{
    ports::{Clock, OneTimeTokens},
    shared_secret::SharedSecret,
};

/// Makes links with one-time tokens.
///
/// A token is derived from its event and a secret which the observers share. So a repetition of the
/// event makes the same link again: it voids neither what was mailed nor a newer token, and a used token
/// stays used. While a link is good, other events make the same one too: who asks again voids nothing.
pub struct Links {
    /// Puts tokens into their slots.
    pub tokens: Arc<dyn OneTimeTokens>,
    /// The key of the tokens.
    pub secret: SharedSecret,
    /// Tells if a token has expired.
    pub clock: Arc<dyn Clock>,
}

/// Looks at a slot: another observer may fill it after the first.
const LOOKS: usize = 2;

/// A link with a token. A secret until it is in the mail.
#[derive(Debug, Clone)]
pub struct Link(SecretString);

impl Link {
    /// The link that carries `token`. It stands in the fragment, which no browser sends to a server.
    pub fn new(branding: &MailBranding, token: &OneTimeToken) -> Self {
        let (url, page) = (&branding.app_url, token.purpose.page());
        let url = url.trim_end_matches('/');
        Self(format!("{url}/{page}#token={}", token.encode().expose_secret()).into())
    }

    /// The URL, for the mail alone.
    pub(super) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl Links {
    /// Issues the token that `event` calls for: the one in its slot while that is good, or one of its
    /// own. None if that would be void: expired by now, used, or replaced by a newer one.
    pub async fn issue(
        &self,
        purpose: TokenPurpose,
        user_id: UserId,
        binding: &TokenBinding,
        event: &DomainEvent,
    ) -> Result<Option<OneTimeToken>> {
        let key = TokenKey::new(self.secret.get().await?.clone());
        let now = self.clock.now();
        let own = key.token(purpose, user_id, event.id)?;
        let mut issue = own.issue(binding, event.time);
        for _ in 0..LOOKS {
            if let Some(stored) = self.tokens.find_good(user_id, purpose, now).await? {
                let token = key.token(purpose, user_id, stored.seed)?;
                if token.issue(binding, event.time).hash == stored.hash {
                    return Ok(Some(token));
                }
                // Another hash: what the token was bound to has changed.
                issue.replaces = Some(stored.hash);
            }
            if issue.expires_at <= now {
                return Ok(None);
            }
            if self.tokens.issue(&issue, now).await? {
                return Ok(Some(own));
            }
        }
        Ok(None)
    }
}
