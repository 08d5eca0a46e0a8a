//! Links in mails, which prove that the reader reads the mail of an address.

use std::sync::Arc;

use domain::{
    DomainEvent, EventId, OneTimeToken, Result, TokenPurpose, UserId,
    token::{TokenBinding, TokenIssue, TokenKey},
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
        let kind = token.purpose.kind();
        let kind = kind.map_or_else(String::new, |kind| format!("&for={kind}"));
        let token = token.encode();
        Self(format!("{url}/{page}#token={}{kind}", token.expose_secret()).into())
    }

    /// The URL, for the mail alone.
    pub(super) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// The token which an event calls for: the one in its slot while that is good, or one of its own.
pub struct DueToken<'a> {
    user_id: UserId,
    binding: &'a TokenBinding,
    event: &'a DomainEvent,
    token: OneTimeToken,
    /// The event it is made from. Two mails with one seed carry the same link.
    pub(super) seed: EventId,
    /// None if it is in its slot.
    issue: Option<TokenIssue>,
}

impl Links {
    /// The token that `event` calls for; nothing is written. None if it has expired.
    pub async fn due<'a>(
        &self,
        purpose: TokenPurpose,
        user_id: UserId,
        binding: &'a TokenBinding,
        event: &'a DomainEvent,
    ) -> Result<Option<DueToken<'a>>> {
        let key = TokenKey::new(self.secret.get().await?);
        let now = self.clock.now();
        // Its link would be void when it arrives.
        if self.secret.epoch().await?.voids(event.time) {
            return Ok(None);
        }
        let due = |token, seed, issue| DueToken {
            user_id,
            binding,
            event,
            token,
            seed,
            issue,
        };
        let own = key.token(purpose, user_id, event.id)?;
        let mut issue = own.issue(binding, event.time);
        if let Some(stored) = self.tokens.find_good(user_id, purpose, now).await? {
            // Another hash: what the token was bound to has changed, or it is of another epoch of the
            // deployment, whose secrets are gone.
            let mut tokens = key.tokens(purpose, user_id, stored.seed);
            let is_stored =
                |token: &OneTimeToken| token.issue(binding, event.time).hash == stored.hash;
            if let Some(token) = tokens.find(is_stored) {
                return Ok(Some(due(token, stored.seed, None)));
            }
            issue.replaces = Some(stored.hash);
        }
        Ok((issue.expires_at > now).then(|| due(own, event.id, Some(issue))))
    }

    /// Puts the token into its slot. None if it would be void there: used, or replaced by a newer one.
    pub async fn put(&self, due: DueToken<'_>) -> Result<Option<OneTimeToken>> {
        let DueToken {
            user_id,
            binding,
            event,
            ..
        } = due;
        let mut due = due;
        for _ in 0..LOOKS {
            let Some(issue) = due.issue else {
                return Ok(Some(due.token));
            };
            if self.tokens.issue(&issue, self.clock.now()).await? {
                return Ok(Some(due.token));
            }
            let again = self.due(issue.purpose, user_id, binding, event);
            let Some(again) = again.await? else {
                break;
            };
            due = again;
        }
        Ok(None)
    }
}
