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
        let key = TokenKey::new(self.secret.get().await?);
        let now = self.clock.now();
        // Its link would be void when it arrives.
        if self.secret.epoch().await?.voids(event.time) {
            return Ok(None);
        }
        if let Some(stored) = self.tokens.find_good(user_id, purpose, now).await? {
            // Another hash: what the token was bound to has changed, or it is of another epoch of the
            // deployment, whose secrets are gone.
            let mut tokens = key.tokens(purpose, user_id, stored.seed);
            let is_stored =
                |token: &OneTimeToken| token.issue(binding, event.time).hash == stored.hash;
            if let Some(token) = tokens.find(is_stored) {
                return Ok(Some(token));
            }
        }
        let token = key.token(purpose, user_id, event.id)?;
        let issue = token.issue(binding, event.time);
        let good = issue.expires_at > now && self.tokens.issue(&issue).await?;
        Ok(good.then_some(token))
    }
}
