//! Time and randomness.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{EventId, Origin, Result, Timestamp, event::EventMetadata};

#[async_trait]
pub trait Clock: Send + Sync {
    /// The time now, to the microsecond.
    fn now(&self) -> Timestamp;

    /// Waits. A fake clock moves on instead.
    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
}

/// Randomness fit for secrets.
pub trait SecureRandom: Send + Sync {
    /// Fills `bytes` with random bytes.
    ///
    /// # Errors
    /// If the operating system has none to give.
    fn fill(&self, bytes: &mut [u8]) -> Result<()>;
}

/// Shorthands over [`SecureRandom`].
impl dyn SecureRandom {
    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// Two numbers, drawn evenly.
    pub fn numbers(&self) -> Result<[u64; 2]> {
        Ok([
            u64::from_be_bytes(self.bytes()?),
            u64::from_be_bytes(self.bytes()?),
        ])
    }

    /// 128 random bits as 32 hexadecimal digits.
    pub fn token(&self) -> Result<String> {
        Ok(uuid::Uuid::from_bytes(self.bytes()?).simple().to_string())
    }
}

/// The sources of time and randomness; real ones in production, fake ones in tests.
#[derive(Clone)]
#[expect(missing_docs, reason = "the types say it")]
pub struct Env {
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn SecureRandom>,
}

impl Env {
    /// Event metadata for a command that came from `origin`: time, event id, salt.
    pub fn metadata(&self, origin: Origin) -> Result<EventMetadata> {
        let now = self.clock.now();
        Ok(EventMetadata {
            event_id: EventId::new(now, self.random.bytes()?),
            salt: self.random.token()?,
            now,
            origin,
        })
    }
}
