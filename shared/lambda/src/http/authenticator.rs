//! Who calls: the token, and what the tables say of its user and session.

use std::{sync::Arc, time::Duration};

use application::{
    cache::{CacheConfig, TieredCache},
    known_ring::KnownRing,
    ports::{AccessTokenClaims, Clock, SessionRepository, TokenVerifier, UserRepository},
};
use domain::{Error, Refusal, Result, api_key};
use lambda_http::http::header;

use super::{
    Request, TrustedProxies,
    access::{Access, Call, Caller, CallerStatus, Who},
    machine::{KeyLookup, KeyPorts, Machine},
};

/// How many callers a process remembers: some 200 bytes each.
pub(super) const REMEMBERED: usize = 10_000;

/// Checks access.
#[derive(Clone)]
pub struct Authenticator {
    issuer: Option<String>,
    lookup: Option<CallerLookup>,
    keys: Option<KeyLookup>,
    proxies: TrustedProxies,
}

/// By what callers are known.
#[derive(Clone)]
pub struct CallerPorts {
    pub tokens: Arc<dyn TokenVerifier>,
    pub users: Arc<dyn UserRepository>,
    pub sessions: Arc<dyn SessionRepository>,
    /// Says which sessions are of this epoch of the deployment.
    pub ring: Arc<KnownRing>,
    pub clock: Arc<dyn Clock>,
}

#[derive(Clone)]
struct CallerLookup {
    ports: CallerPorts,
    remembered: Option<Arc<TieredCache<CallerStatus>>>,
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Admitted {
    /// Nobody that is known.
    Anyone,
    User(Caller),
    Machine(Machine),
}

impl Authenticator {
    /// An authenticator which knows nobody: only functions for anyone can be reached through it.
    pub fn open(issuer: &str) -> Self {
        Self {
            issuer: Some(issuer.to_owned()).filter(|issuer| !issuer.is_empty()),
            lookup: None,
            keys: None,
            proxies: TrustedProxies::default(),
        }
    }

    /// An authenticator which knows callers by their tokens.
    pub fn guarded(issuer: &str, ports: CallerPorts) -> Self {
        Self {
            lookup: Some(CallerLookup {
                ports,
                remembered: None,
            }),
            ..Self::open(issuer)
        }
    }

    /// The authenticator of a deployment that trusts these proxies.
    #[must_use]
    pub fn behind(mut self, proxies: TrustedProxies) -> Self {
        self.proxies = proxies;
        self
    }

    pub(super) fn proxies(&self) -> &TrustedProxies {
        &self.proxies
    }

    /// The authenticator which also knows machines by their API keys.
    #[must_use]
    pub fn with_keys(mut self, ports: KeyPorts) -> Self {
        self.keys = Some(KeyLookup::new(ports));
        self
    }

    /// The authenticator which remembers callers it looked up, for `lag`. A refusal is never
    /// remembered: a caller who would be refused is looked up afresh. So what a user loses is gone
    /// after `lag`, and what a user gains is there at once. Memory is not enough where more than a token is
    /// demanded: see [`Call::demands_a_look`].
    #[must_use]
    pub fn remembering(mut self, lag: Duration) -> Self {
        let config = CacheConfig {
            lifetime: lag,
            negative_ttl: None,
            max_staleness: lag,
            capacity: REMEMBERED,
        };
        if lag.is_zero() {
            return self;
        }
        if let Some(lookup) = &mut self.lookup {
            let clock = lookup.ports.clock.clone();
            lookup.remembered = Some(Arc::new(TieredCache::local(config, clock)));
        }
        if let Some(keys) = &mut self.keys {
            keys.remember(config);
        }
        self
    }

    /// The `iss` of tokens for this call: the parameter, or else the domain name the client called.
    pub(super) fn issuer_for(&self, request: &Request) -> String {
        self.issuer
            .clone()
            .unwrap_or_else(|| format!("https://{}", request.domain()))
    }

    /// Lets the call pass, or not.
    pub(super) async fn authorize(&self, access: Access, request: &Request) -> Result<Admitted> {
        let has_token = request.header(header::AUTHORIZATION.as_str()).is_some();
        let needs_token = match access.who {
            Who::Anyone => return Ok(Admitted::Anyone),
            Who::AnyoneOrCaller | Who::AnyoneOr(_) => false,
            Who::Caller
            | Who::Owner
            | Who::OwnerOr(_)
            | Who::Role(_)
            | Who::Service
            | Who::OwnService => true,
        };
        match bearer_token(request) {
            None if !has_token && !needs_token => Ok(Admitted::Anyone),
            Some(token) if token.starts_with(api_key::PREFIX) => {
                let machine = self.machine(access, request, token).await;
                machine.map(Admitted::Machine)
            }
            _ => self.caller(access, request).await.map(Admitted::User),
        }
    }

    /// The machine that calls, if it may. It owns nothing: where the owner is whoever calls, it may not.
    async fn machine(&self, access: Access, request: &Request, token: &str) -> Result<Machine> {
        let is_about_caller =
            matches!(access.who, Who::OwnerOr(_)) && request.parameter("id").is_none();
        let may = access.who.has_machines() && !is_about_caller;
        let Some(keys) = self.keys.as_ref().filter(|_| may) else {
            return Err(Refusal::Forbidden.into());
        };
        let machine = keys.machine(token).await?;
        if access.who.admits(&machine, request) {
            Ok(machine)
        } else {
            Err(Refusal::Forbidden.into())
        }
    }

    /// The user who calls, if the user may.
    async fn caller(&self, access: Access, request: &Request) -> Result<Caller> {
        let (lookup, claims) = self
            .verify(request)
            .await?
            .ok_or(Refusal::Unauthenticated)?;
        let call = Call {
            access,
            request,
            claims: &claims,
            now: lookup.ports.clock.now(),
        };
        let mut fresh = false;
        // What is old is read at the same time.
        let (status, still_counts) = tokio::try_join!(
            lookup.recall(&claims, &mut fresh),
            lookup.ports.tokens.still_counts(&claims)
        )?;
        if !still_counts {
            return Err(Refusal::Unauthenticated.into());
        }
        let outcome = call.authorize(status.as_deref());
        let may_be_from_memory = |caller: &Caller| !call.demands_a_look(caller);
        if fresh || outcome.as_ref().is_ok_and(may_be_from_memory) {
            return Ok(outcome?);
        }
        let status = lookup.look_up(&claims).await?;
        Ok(call.authorize(status.as_ref())?)
    }

    /// Lets the call pass as [`Authenticator::authorize`] does, or as a repetition.
    pub(super) async fn admit(&self, access: Access, request: &mut Request) -> Result<()> {
        match self.authorize(access, request).await {
            Ok(Admitted::Anyone) => {}
            Ok(Admitted::User(caller)) => request.caller = Some(caller),
            Ok(Admitted::Machine(machine)) => request.machine = Some(machine),
            Err(Error::Refused(Refusal::Unauthenticated))
                if access.repeatable && request.header("idempotency-key").is_some() =>
            {
                let (lookup, claims) = self
                    .verify(request)
                    .await?
                    .ok_or(Refusal::Unauthenticated)?;
                if !lookup.ports.tokens.still_counts(&claims).await? {
                    return Err(Refusal::Unauthenticated.into());
                }
                request.former_caller = Some(claims.user_id);
                // About themselves alone.
                if request.user_id().ok() != request.former_caller {
                    return Err(Refusal::Unauthenticated.into());
                }
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// What a genuine token says.
    async fn verify(
        &self,
        request: &Request,
    ) -> Result<Option<(&CallerLookup, AccessTokenClaims)>> {
        let (Some(lookup), Some(token)) = (&self.lookup, bearer_token(request)) else {
            return Ok(None);
        };
        let claims = lookup.ports.tokens.verify(&request.issuer, token).await?;
        Ok(claims.map(|claims| (lookup, claims)))
    }
}

impl CallerLookup {
    /// The caller's status, as it was not long ago. Notes whether it was looked up for this.
    async fn recall(
        &self,
        claims: &AccessTokenClaims,
        fresh: &mut bool,
    ) -> Result<Option<Arc<CallerStatus>>> {
        let look_up = async {
            *fresh = true;
            self.look_up(claims).await
        };
        match &self.remembered {
            Some(remembered) => {
                let key = format!("sessions:{}", claims.session_id);
                remembered.get(&key, look_up).await
            }
            None => Ok(look_up.await?.map(Arc::new)),
        }
    }

    /// The caller's status now; nothing if the user is gone or not active, or the session is over.
    async fn look_up(&self, claims: &AccessTokenClaims) -> Result<Option<CallerStatus>> {
        let ports = &self.ports;
        let (user, session, epoch) = tokio::try_join!(
            ports.users.find(claims.user_id),
            ports.sessions.find(claims.user_id, claims.session_id),
            ports.ring.epoch()
        )?;
        let now = ports.clock.now();
        let live = user.zip(session);
        let live = live.filter(|(user, session)| session.is_live(user, epoch, now));
        Ok(live.map(|(user, _)| CallerStatus {
            epoch: user.auth_epoch,
            authority: user.authority(),
        }))
    }
}

/// RFC 6750, 2.1; the scheme's name in any letter case (RFC 9110, 11.1).
fn bearer_token(request: &Request) -> Option<&str> {
    let (scheme, token) = request
        .header(header::AUTHORIZATION.as_str())?
        .split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
