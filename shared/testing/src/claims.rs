//! The claims of a [`World`].

use application::ports::{Claim, ClaimKey, Claimed, Claims, Clock as _, Settled, Terms};
use async_trait::async_trait;
use domain::{Result, Timestamp};
use serde_json::Value;

use super::World;

#[derive(Debug, Clone)]
pub(super) struct Record {
    fingerprint: String,
    reserved: Value,
    fence: u64,
    leased_until: Timestamp,
    held: bool,
    expires_at: Timestamp,
    result: Option<Value>,
}

impl Record {
    fn is_open(&self, now: Timestamp) -> bool {
        self.expires_at > now && self.result.is_none()
    }

    /// The fingerprint is there for a holder from before an expiry, after which fences begin anew.
    fn held_by(&self, claim: &Claim, now: Timestamp) -> bool {
        self.is_open(now) && self.fence == claim.fence && self.fingerprint == claim.fingerprint
    }
}

#[async_trait]
impl Claims for World {
    async fn claim(&self, key: &ClaimKey, terms: &Terms) -> Result<Claimed> {
        let now = self.now();
        self.call("claims.claim", |state| {
            let record = state
                .claims
                .get(key)
                .filter(|record| record.expires_at > now)
                .cloned()
                .unwrap_or_else(|| Record {
                    fingerprint: terms.fingerprint.clone(),
                    reserved: terms.reserved.clone(),
                    fence: 0,
                    leased_until: now,
                    held: false,
                    expires_at: now.plus(terms.retention),
                    result: None,
                });
            if let Some(result) = record.result {
                return Ok(Claimed::Done(Settled {
                    fingerprint: record.fingerprint,
                    result,
                }));
            }
            if record.leased_until > now {
                return Ok(Claimed::Running {
                    fingerprint: record.fingerprint,
                });
            }
            let abandoned = record.held;
            let record = Record {
                held: true,
                fence: record.fence + 1,
                leased_until: now.plus(terms.lease),
                expires_at: now.plus(terms.retention),
                ..record
            };
            state.claims.insert(key.clone(), record.clone());
            Ok(Claimed::Won(Claim {
                key: key.clone(),
                fence: record.fence,
                fingerprint: record.fingerprint,
                reserved: record.reserved,
                abandoned,
            }))
        })
        .await
    }

    async fn settle(&self, claim: &Claim, result: &Value) -> Result<bool> {
        let now = self.now();
        self.call("claims.settle", |state| {
            let held = state
                .claims
                .get_mut(&claim.key)
                .filter(|record| record.held_by(claim, now));
            let settled = held.map(|record| record.result = Some(result.clone()));
            Ok(settled.is_some())
        })
        .await
    }

    async fn release(&self, claim: &Claim) -> Result<()> {
        let now = self.now();
        self.call("claims.release", |state| {
            if let Some(record) = state
                .claims
                .get_mut(&claim.key)
                .filter(|record| record.held_by(claim, now))
            {
                record.leased_until = now;
                record.held = false;
            }
            Ok(())
        })
        .await
    }

    async fn witness(&self, key: &ClaimKey, result: &Value) -> Result<bool> {
        let now = self.now();
        self.call("claims.witness", |state| {
            let open = state
                .claims
                .get_mut(key)
                .filter(|record| record.is_open(now));
            let settled = open.map(|record| record.result = Some(result.clone()));
            Ok(settled.is_some())
        })
        .await
    }
}
