//! Machines, which call with API keys.

use std::{sync::Arc, time::Duration};

use application::{
    cache::{CacheConfig, TieredCache},
    known_ring::KnownRing,
    ports::{ApiKeys, Clock},
    rate_limit::RateLimiter,
};
use domain::{
    ApiKey, ApiKeyId, ApiKeyToken, Authority, Refusal, Result, Role, ServiceName, Timestamp,
    attempt::{AttemptKey, Limit},
    error::Causes,
};

use super::authenticator::REMEMBERED;

/// A machine that calls: it has a good API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    pub key_id: ApiKeyId,
    /// What the role of the key lets it do.
    pub authority: Authority,
    /// Whether its role is that of services.
    pub is_service: bool,
    /// The service whose instances it registers.
    pub service: Option<ServiceName>,
}

/// By what machines are known.
#[derive(Clone)]
pub struct KeyPorts {
    pub keys: Arc<dyn ApiKeys>,
    /// Says which keys are of this epoch of the deployment.
    pub ring: Arc<KnownRing>,
    pub rate_limiter: RateLimiter,
    /// Calls with one key.
    pub limit: Limit,
}

/// Knows machines by their tokens.
#[derive(Clone)]
pub(super) struct KeyLookup {
    ports: KeyPorts,
    remembered: Option<Arc<TieredCache<ApiKey>>>,
    /// The days whose use was noted.
    noted: Arc<TieredCache<()>>,
}

/// A day is noted once by each process.
const NOTED: CacheConfig = CacheConfig {
    lifetime: Duration::from_hours(24),
    negative_ttl: None,
    max_staleness: Duration::from_hours(24),
    capacity: REMEMBERED,
};

impl KeyLookup {
    pub(super) fn new(ports: KeyPorts) -> Self {
        let clock = ports.rate_limiter.env.clock.clone();
        Self {
            ports,
            remembered: None,
            noted: Arc::new(TieredCache::local(NOTED, clock)),
        }
    }

    /// The lookup which remembers good keys as `config` says.
    pub(super) fn remember(&mut self, config: CacheConfig) {
        let cache = TieredCache::local(config, self.clock().clone());
        self.remembered = Some(Arc::new(cache));
    }

    fn clock(&self) -> &Arc<dyn Clock> {
        &self.ports.rate_limiter.env.clock
    }

    /// The machine which sent this token. The call counts against the limit of its key. A token with a
    /// wrong checksum costs no read, and one with a wrong secret does not count.
    ///
    /// # Errors
    /// `Unauthenticated` unless the token opens a good key; `TooManyRequests`.
    pub(super) async fn machine(&self, token: &str) -> Result<Machine> {
        let token = ApiKeyToken::decode(token).ok_or(Refusal::Unauthenticated)?;
        let now = self.clock().now();
        let (key, epoch) = tokio::try_join!(self.good_key(token.id), self.ports.ring.epoch())?;
        let key = key.filter(|key| token.opens(key) && key.is_live(epoch, now));
        let key = key.ok_or(Refusal::Unauthenticated)?;
        let attempt = [(AttemptKey::of_api_key(key.id), self.ports.limit)];
        let counted = self.ports.rate_limiter.acquire(&attempt);
        let (counted, ()) = tokio::join!(counted, self.note_use(key.id, now));
        counted?;
        Ok(Machine {
            key_id: key.id,
            authority: key.authority(),
            is_service: key.role == Role::service(),
            service: key.service.clone(),
        })
    }

    /// The key, as it was not long ago, if it was good. Neither its hash nor its role nor its end ever
    /// changes, so whom memory refuses would be refused anyway.
    async fn good_key(&self, id: ApiKeyId) -> Result<Option<Arc<ApiKey>>> {
        let find = async {
            let key = self.ports.keys.find(id).await?;
            Ok(key.filter(|key| key.revoked_at.is_none()))
        };
        match &self.remembered {
            Some(remembered) => remembered.get(&format!("api-keys:{id}"), find).await,
            None => Ok(find.await?.map(Arc::new)),
        }
    }

    /// Notes the day of a use, beside the count. If that fails the call goes on, and the next one tries
    /// again.
    async fn note_use(&self, id: ApiKeyId, now: Timestamp) {
        let note = async { self.ports.keys.note_use(id, now).await.map(Some) };
        let key = format!("uses:{id}:{}", now.day());
        if let Err(error) = self.noted.get(&key, note).await {
            tracing::warn!(error = %Causes(&error), "the use of an API key is not noted");
        }
    }
}
