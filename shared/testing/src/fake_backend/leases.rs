//! The leases of a [`FakeBackend`].

use application::ports::{Claimed, Clock as _, Lease, LeaseKey, LeaseOptions, Leases, Settled};
use async_trait::async_trait;
use domain::{Result, Timestamp};
use serde_json::Value;

use super::FakeBackend;

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
    pub(super) fn result(&self) -> Option<&Value> {
        self.result.as_ref()
    }

    fn is_open(&self, now: Timestamp) -> bool {
        self.expires_at > now && self.result.is_none()
    }

    /// The fingerprint is there for a holder from before an expiry, after which fences begin anew.
    fn held_by(&self, lease: &Lease, now: Timestamp) -> bool {
        self.is_open(now) && self.fence == lease.fence && self.fingerprint == lease.fingerprint
    }
}

#[async_trait]
impl Leases for FakeBackend {
    async fn exists(&self, key: &LeaseKey) -> Result<bool> {
        let now = self.now();
        self.call("leases.exists", |state| {
            let record = state.leases.get(key);
            Ok(record.is_some_and(|record| record.expires_at > now))
        })
        .await
    }

    async fn claim(&self, key: &LeaseKey, options: &LeaseOptions) -> Result<Claimed> {
        let now = self.now();
        self.call("leases.claim", |state| {
            let record = state
                .leases
                .get(key)
                .filter(|record| record.expires_at > now)
                .cloned()
                .unwrap_or_else(|| Record {
                    fingerprint: options.fingerprint.clone(),
                    reserved: options.reserved.clone(),
                    fence: 0,
                    leased_until: now,
                    held: false,
                    expires_at: now.plus(options.retention),
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
                leased_until: now.plus(options.lease),
                expires_at: now.plus(options.retention),
                ..record
            };
            state.leases.insert(key.clone(), record.clone());
            Ok(Claimed::Won(Lease {
                key: key.clone(),
                fence: record.fence,
                fingerprint: record.fingerprint,
                reserved: record.reserved,
                abandoned,
            }))
        })
        .await
    }

    async fn settle(&self, lease: &Lease, result: &Value) -> Result<bool> {
        let now = self.now();
        self.call("leases.settle", |state| {
            let held = state
                .leases
                .get_mut(&lease.key)
                .filter(|record| record.held_by(lease, now));
            let settled = held.map(|record| record.result = Some(result.clone()));
            Ok(settled.is_some())
        })
        .await
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        let now = self.now();
        self.call("leases.release", |state| {
            if let Some(record) = state
                .leases
                .get_mut(&lease.key)
                .filter(|record| record.held_by(lease, now))
            {
                record.leased_until = now;
                record.held = false;
            }
            Ok(())
        })
        .await
    }

    async fn witness(&self, key: &LeaseKey, result: &Value) -> Result<bool> {
        let now = self.now();
        self.call("leases.witness", |state| {
            let open = state
                .leases
                .get_mut(key)
                .filter(|record| record.is_open(now));
            let settled = open.map(|record| record.result = Some(result.clone()));
            Ok(settled.is_some())
        })
        .await
    }
}
