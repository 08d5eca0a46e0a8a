//! Limits on attempts. Attempts are counted for each subject and spent before anything is tried, so
//! that however many come at once, no more than allowed are.

use std::{net::IpAddr, time::Duration};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    Actor, ApiKeyId, DomainEvent, Email, EventKind, Refusal, Timestamp, UserId,
    device::Device,
    event::{EventData, EventMetadata},
    token::TokenHash,
};

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
    /// Right sign-ins of one user.
    SignIn,
    /// Sign-ups from one client IP.
    SignUp,
    /// Requests for mails from one client IP.
    MailFrom,
    /// Mails of one kind to one address.
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
        }
    }
}

impl AttemptKey {
    /// The counter of an address, whether or not it has an account. The address itself is not stored:
    /// its owner may not be a user.
    pub fn of_address(scope: Scope, email: &Email) -> Self {
        let subject = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(email.as_str()));
        Self { scope, subject }
    }

    /// The counter of mails of one kind to an address. It begins anew with each `epoch`.
    pub fn of_mail(kind: &str, epoch: u64, email: &Email) -> Self {
        let Self { scope, subject } = Self::of_address(Scope::MailTo, email);
        let subject = format!("{kind}#{epoch}#{subject}");
        Self { scope, subject }
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

    /// The counter of repetitions of the request that used a token.
    pub fn of_receipt(receipt: &TokenHash) -> Self {
        Self {
            scope: Scope::Repetition,
            subject: receipt.to_string(),
        }
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

/// How many attempts are allowed, and how long to wait after them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Attempts without waiting.
    pub allowance: u32,
    /// The wait after the last of them; it doubles with each further one.
    pub first_wait: Duration,
    pub longest_wait: Duration,
    /// Time after the first attempt when the counter is reset.
    pub window: Duration,
    /// All attempts within the window.
    pub most: u32,
}

impl Limit {
    /// Guesses at the password of one account: after `allowance` of them the next has to wait, from
    /// 30 seconds up to an hour, and after 100 in 30 days only a reset by mail helps (NIST SP
    /// 800-63B-4, 3.2.2).
    pub fn of_account(allowance: u32) -> Self {
        Self {
            allowance,
            first_wait: Duration::from_secs(30),
            longest_wait: Duration::from_hours(1),
            window: Duration::from_hours(30 * 24),
            most: allowance.max(100),
        }
    }

    /// Wrong guesses from one client IP: after `allowance` of them the next has to wait, from a minute up
    /// to a quarter of an hour, until an hour after the first.
    pub fn of_client_ip(allowance: u32) -> Self {
        Self {
            allowance,
            first_wait: Duration::from_mins(1),
            longest_wait: Duration::from_mins(15),
            window: Duration::from_hours(1),
            most: u32::MAX,
        }
    }

    /// `allowance` attempts an hour.
    pub fn hourly(allowance: u32) -> Self {
        Self::within(allowance, Duration::from_hours(1))
    }

    /// `allowance` attempts a minute.
    pub fn minutely(allowance: u32) -> Self {
        Self::within(allowance, Duration::from_mins(1))
    }

    /// `allowance` attempts in each window, which begins with the first of them.
    fn within(allowance: u32, window: Duration) -> Self {
        Self {
            allowance,
            first_wait: window,
            longest_wait: window,
            window,
            most: allowance,
        }
    }

    /// `per_hour` attempts an hour, and `interval` between two.
    pub fn spaced(interval: Duration, per_hour: u32) -> Self {
        Self {
            allowance: 1,
            first_wait: interval,
            longest_wait: interval,
            window: Duration::from_hours(1),
            most: per_hour,
        }
    }

    /// The counter after one more attempt at `now`.
    ///
    /// # Errors
    /// The time of the next attempt, if there is none now.
    pub fn spend(
        &self,
        counter: Option<&AttemptCounter>,
        now: Timestamp,
    ) -> Result<AttemptCounter, Timestamp> {
        let Some(counter) = counter.filter(|counter| counter.expires_at > now) else {
            return Ok(AttemptCounter {
                count: 1,
                blocked_until: now.plus(self.first_wait),
                expires_at: now.plus(self.window),
            });
        };
        if counter.count >= self.most {
            return Err(counter.expires_at);
        }
        if counter.count >= self.allowance && counter.blocked_until > now {
            return Err(counter.blocked_until.min(counter.expires_at));
        }
        let count = counter.count + 1;
        Ok(AttemptCounter {
            count,
            blocked_until: now.plus(self.wait_after(count)),
            expires_at: counter.expires_at,
        })
    }

    fn wait_after(&self, count: u32) -> Duration {
        let doublings = count.saturating_sub(self.allowance).min(31);
        let wait = self.first_wait.saturating_mul(1 << doublings);
        wait.min(self.longest_wait)
    }
}

/// The attempts spent so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptCounter {
    /// Attempts since the counter began.
    pub count: u32,
    /// The next attempt must wait until then, if the allowance is spent.
    pub blocked_until: Timestamp,
    /// When the counter is reset.
    pub expires_at: Timestamp,
}

impl AttemptCounter {
    /// The counter without the attempt that was just spent; none if that was the first. If it had to
    /// wait, the next one need not wait again: it would tell that somebody was here.
    #[must_use]
    pub fn refunded(&self, now: Timestamp) -> Option<Self> {
        (self.count > 1).then(|| Self {
            count: self.count - 1,
            blocked_until: now,
            expires_at: self.expires_at,
        })
    }
}

/// The refusal of an attempt that may be made at `until`.
pub fn too_many(now: Timestamp, until: Timestamp) -> Refusal {
    // Rounded up: a client that obeys `Retry-After` must not be too early.
    let wait = now.until(until).saturating_add(Duration::from_millis(999));
    Refusal::TooManyRequests(wait)
}

/// The event that sign-in is locked after too many attempts. It names the user if one has the address.
pub fn sign_in_locked(user: Option<UserId>, metadata: &EventMetadata) -> DomainEvent {
    DomainEvent {
        user_id: user,
        ..metadata.event(EventKind::SignInLocked, EventData::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_000_000 + seconds)
    }

    /// Spends as many tries as there are at `now`.
    fn exhaust(
        limit: &Limit,
        mut counter: Option<AttemptCounter>,
        now: Timestamp,
    ) -> (AttemptCounter, u32, Timestamp) {
        for spent in 0.. {
            match limit.spend(counter.as_ref(), now) {
                Ok(next) => counter = Some(next),
                Err(until) => return (counter.unwrap(), spent, until),
            }
        }
        unreachable!("a limit ends")
    }

    #[test]
    fn after_the_allowance_each_try_has_to_wait_twice_as_long() {
        let limit = Limit::of_account(3);
        let (mut counter, spent, mut until) = exhaust(&limit, None, at(0));
        assert_eq!((spent, until), (3, at(30)));
        let mut now = at(0);
        for wait in [60, 120, 240, 480, 960, 1920, 3600, 3600] {
            now = until;
            let (next, spent, blocked) = exhaust(&limit, Some(counter), now);
            assert_eq!((spent, blocked), (1, now.plus(Duration::from_secs(wait))));
            (counter, until) = (next, blocked);
        }
        let early = now.plus(Duration::from_secs(3599));
        assert_eq!(limit.spend(Some(&counter), early), Err(until));
    }

    #[test]
    fn a_hundred_guesses_are_the_most_within_thirty_days() {
        let limit = Limit::of_account(10);
        let (mut counter, mut spent, mut until) = exhaust(&limit, None, at(0));
        while until < at(30 * 24 * 3600) {
            let (next, more, blocked) = exhaust(&limit, Some(counter), until);
            (counter, spent, until) = (next, spent + more, blocked);
        }
        assert_eq!((spent, until), (100, at(30 * 24 * 3600)));
        assert_eq!(
            exhaust(&limit, Some(counter), until).1,
            10,
            "and all is forgotten"
        );
    }

    #[test]
    fn an_hourly_limit_begins_anew_after_an_hour() {
        let limit = Limit::hourly(5);
        let (counter, spent, until) = exhaust(&limit, None, at(0));
        assert_eq!((spent, until), (5, at(3600)));
        assert!(limit.spend(Some(&counter), at(3599)).is_err());
        assert_eq!(exhaust(&limit, Some(counter), at(3600)).1, 5);
    }

    #[test]
    fn spaced_attempts_wait_for_each_other_and_end() {
        let limit = Limit::spaced(Duration::from_mins(1), 3);
        let mut counter = None;
        for seconds in [0, 60, 120] {
            let early = limit.spend(counter.as_ref(), at(seconds - 1));
            assert!(counter.is_none() || early == Err(at(seconds)));
            counter = limit.spend(counter.as_ref(), at(seconds)).ok();
        }
        assert_eq!(limit.spend(counter.as_ref(), at(3599)), Err(at(3600)));
        assert_eq!(limit.spend(counter.as_ref(), at(3600)).unwrap().count, 1);
    }

    #[test]
    fn the_window_ends_a_wait() {
        let limit = Limit::of_client_ip(1);
        let mut counter = limit.spend(None, at(0)).unwrap();
        for seconds in [60, 180, 420, 900, 1800, 2700] {
            counter = limit.spend(Some(&counter), at(seconds)).unwrap();
        }
        assert_eq!(limit.spend(Some(&counter), at(3000)), Err(at(3600)));
    }

    #[test]
    fn a_place_is_an_address_or_the_network_of_one() {
        let key = |source: &str| AttemptKey::of_client_ip(Scope::Source, source.parse().ok());
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_eq!(key("::ffff:192.0.2.7"), key("192.0.2.7"));
        assert_ne!(key("192.0.2.7"), key("192.0.2.8"));
        assert_ne!(key("192.0.2.7"), key("none"));
        let other = AttemptKey::of_client_ip(Scope::SignUp, "192.0.2.7".parse().ok());
        assert_ne!(key("192.0.2.7"), other);
    }

    #[test]
    fn an_address_is_not_stored() {
        let email: Email = "ann@example.com".parse().unwrap();
        let key = AttemptKey::of_address(Scope::Account, &email);
        assert!(!format!("{key:?}").contains("ann"));
        let welcome = AttemptKey::of_mail("welcome", 0, &email);
        assert!(!format!("{welcome:?}").contains("ann"));
        assert_ne!(welcome, AttemptKey::of_mail("password-reset", 0, &email));
    }
}
