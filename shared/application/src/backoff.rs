//! Pauses between tries.

use std::time::Duration;

use domain::Result;
use tokio::time::Instant;

use crate::ports::Env;

/// Pauses between the tries of one call. Each is random between nothing and its maximum ("full
/// jitter"), so that callers who met once do not meet again.
pub struct Backoff<'a> {
    env: &'a Env,
    tries: u32,
    longest: Duration,
    until: Option<Instant>,
}

impl<'a> Backoff<'a> {
    /// Pauses for `tries` tries, the first included. The first pause is `first_pause` at most; the
    /// maximum doubles with each further one.
    pub fn new(env: &'a Env, tries: u32, first_pause: Duration) -> Self {
        Self {
            env,
            tries,
            longest: first_pause,
            until: None,
        }
    }

    /// No pause begins once `patience` is over.
    #[must_use]
    pub fn within(mut self, patience: Duration) -> Self {
        // Monotonic: a clock that is set meanwhile must neither end nor prolong it.
        self.until = Some(Instant::now() + patience);
        self
    }

    /// Waits before the next try. Returns false, without waiting, if there is none.
    pub async fn pause(&mut self) -> Result<bool> {
        self.tries = self.tries.saturating_sub(1);
        let is_late = |until| Instant::now() >= until;
        if self.tries == 0 || self.until.is_some_and(is_late) {
            return Ok(false);
        }
        let random = u16::from_be_bytes(self.env.random.bytes()?);
        let share = f64::from(random) / f64::from(u16::MAX);
        self.env.clock.sleep(self.longest.mul_f64(share)).await;
        self.longest *= 2;
        Ok(true)
    }
}
