//! How often and how fast to try again.

use std::time::Duration;

use application::ports::SecureRandom;
use domain::Result;
use tokio::time::Instant;

/// Tries of a write which others disturb, the first included.
pub(super) const TRIES: u32 = 5;

/// The longest pause before the second try; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// When no pause begins any more: a slow write must not outlast its function.
const PATIENCE: Duration = Duration::from_secs(2);

/// When the last try has begun at the latest.
pub(super) const LAST_TRY: Duration =
    PATIENCE.saturating_add(FIRST_PAUSE.saturating_mul(1 << (TRIES - 2)));

/// The pauses between the tries of one write. Each is random between nothing and its maximum ("full
/// jitter"), so that writers who met once do not meet again.
pub(super) struct Backoff<'a> {
    random: &'a (dyn SecureRandom + 'static),
    began: Instant,
    tried: u32,
}

impl<'a> Backoff<'a> {
    /// The pauses of a write.
    pub(super) fn new(random: &'a (dyn SecureRandom + 'static)) -> Self {
        Self {
            random,
            began: Instant::now(),
            tried: 0,
        }
    }

    /// Waits before the next try. False if there is none.
    pub(super) async fn pause(&mut self) -> Result<bool> {
        self.tried += 1;
        if self.tried >= TRIES || self.began.elapsed() >= PATIENCE {
            return Ok(false);
        }
        let longest = FIRST_PAUSE * 2u32.pow(self.tried - 1);
        let share = f64::from(u16::from_be_bytes(self.random.bytes()?)) / f64::from(u16::MAX);
        tokio::time::sleep(longest.mul_f64(share)).await;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::System;

    #[tokio::test(start_paused = true)]
    async fn a_slow_write_is_not_tried_again() {
        let env = System::env();
        let mut backoff = Backoff::new(&*env.random);
        assert!(backoff.pause().await.unwrap());
        tokio::time::advance(PATIENCE).await;
        assert!(!backoff.pause().await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn a_fast_write_is_tried_five_times() {
        let env = System::env();
        let (mut backoff, began) = (Backoff::new(&*env.random), Instant::now());
        for _ in 1..TRIES {
            assert!(backoff.pause().await.unwrap());
        }
        assert!(!backoff.pause().await.unwrap());
        assert!(began.elapsed() < LAST_TRY);
    }
}
