//! How many attempts are allowed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

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
    /// 30 seconds up to an hour, and after 100 in 30 days only a known device helps (NIST SP
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

    /// `allowance` attempts a day.
    pub fn daily(allowance: u32) -> Self {
        Self::within(allowance, Duration::from_hours(24))
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
