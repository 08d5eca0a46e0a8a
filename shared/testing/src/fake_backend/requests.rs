//! The anonymous requests and one-time tokens of a [`FakeBackend`].

use application::ports::{AnonymousRequests, Clock as _, OneTimeTokens};
use async_trait::async_trait;
use domain::{
    DomainEvent, OneTimeToken, RequestId, Result, Timestamp, TokenPurpose, UserId,
    request::AnonymousRequest,
    token::{StoredToken, TokenIssue, TokenUse},
};

use super::{FakeBackend, state::TokenSlot};

#[async_trait]
impl AnonymousRequests for FakeBackend {
    async fn put(&self, request: &AnonymousRequest, event: &DomainEvent) -> Result<()> {
        self.call("requests.put", |state| {
            state.requests.insert(request.id, request.clone());
            state.remember(event);
            Ok(())
        })
        .await
    }

    async fn find(&self, id: RequestId) -> Result<Option<AnonymousRequest>> {
        let now = self.now();
        self.call("requests.find", |state| {
            Ok(state
                .requests
                .get(&id)
                .filter(|request| request.expires_at > now)
                .cloned())
        })
        .await
    }

    async fn remove_mail_request(&self, id: RequestId) -> Result<()> {
        self.call("requests.remove", |state| {
            state.requests.remove(&id);
            Ok(())
        })
        .await
    }

    async fn remove_sign_up(&self, id: RequestId) -> Result<()> {
        self.remove_mail_request(id).await
    }
}

#[async_trait]
impl OneTimeTokens for FakeBackend {
    async fn issue(&self, token: &TokenIssue, now: Timestamp) -> Result<bool> {
        self.call("tokens.issue", |state| {
            let key = (token.user_id, token.purpose);
            if let Some(slot) = state.tokens.get(&key) {
                let is_good = slot.expires_at > now && slot.receipt.is_none();
                let stays =
                    is_good && slot.seed.is_some() && token.replaces.as_ref() != Some(&slot.hash);
                if slot.issued_at >= token.issued_at || stays {
                    return Ok(slot.hash == token.hash && slot.receipt.is_none());
                }
            }
            let slot = TokenSlot {
                hash: token.hash.clone(),
                seed: token.seed,
                issued_at: token.issued_at,
                expires_at: token.expires_at,
                receipt: None,
            };
            state.tokens.insert(key, slot);
            Ok(true)
        })
        .await
    }

    async fn find_good(
        &self,
        user: UserId,
        purpose: TokenPurpose,
        now: Timestamp,
    ) -> Result<Option<StoredToken>> {
        self.call("tokens.find_good", |state| {
            let slot = state.tokens.get(&(user, purpose));
            let good = slot.filter(|slot| slot.expires_at > now && slot.receipt.is_none());
            Ok(good.and_then(|slot| {
                Some(StoredToken {
                    seed: slot.seed?,
                    hash: slot.hash.clone(),
                })
            }))
        })
        .await
    }

    async fn is_good(&self, token: &TokenUse) -> Result<bool> {
        self.call("tokens.is_good", |state| Ok(state.is_good(token)))
            .await
    }

    async fn is_used(&self, token: &OneTimeToken, now: Timestamp) -> Result<bool> {
        self.call("tokens.is_used", |state| {
            let slot = state.tokens.get(&(token.user_id, token.purpose));
            Ok(slot
                .is_some_and(|slot| slot.receipt == Some(token.receipt()) && slot.expires_at > now))
        })
        .await
    }
}
