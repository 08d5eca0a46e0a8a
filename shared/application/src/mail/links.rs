//! Links: what proves that somebody reads the mail of an address.

use std::sync::Arc;

use domain::{DomainEvent, Email, OneTimeToken, Result, TokenPurpose, UserId, token::TokenKey};
use secrecy::{ExposeSecret as _, SecretString};

use super::MailBranding;
use crate::{
    ports::{Clock, OneTimeTokens},
    shared_secret::SharedSecret,
};

/// Makes links with one-time tokens.
///
/// A token comes from the event it is made for, by way of a secret which the observers share. So a
/// repetition of the event makes the same link again, and can do no harm: it does not void what was
/// mailed, nor a newer token, nor does it make a used token good.
pub struct Links {
    /// The slots of the tokens.
    pub tokens: Arc<dyn OneTimeTokens>,
    /// What tokens are made from.
    pub secret: SharedSecret,
    /// The time.
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

    /// The link, for the mail alone.
    pub(super) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl Links {
    /// Issues the token that `event` calls for, to be mailed to `address`. None if it would be void:
    /// expired by now, used, or replaced by a newer one.
    pub async fn issue(
        &self,
        purpose: TokenPurpose,
        user_id: UserId,
        address: &Email,
        event: &DomainEvent,
    ) -> Result<Option<OneTimeToken>> {
        let key = TokenKey::new(self.secret.get().await?.clone());
        let token = key.token(purpose, user_id, event.id)?;
        let issue = token.issue(address, event.time);
        let good = issue.expires_at > self.clock.now() && self.tokens.issue(&issue).await?;
        Ok(good.then_some(token))
    }
}
