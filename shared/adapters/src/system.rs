//! The machine's clock and randomness: the only place that asks for them.

use std::sync::Arc;

use application::ports::{Clock, Env, SecureRandom};
use domain::{Error, Result, Timestamp};

/// The machine.
#[derive(Debug, Clone, Copy)]
pub struct System;

impl System {
    /// The machine's clock and randomness, as use cases take them.
    pub fn env() -> Env {
        Env {
            clock: Arc::new(Self),
            random: Arc::new(Self),
        }
    }
}

impl Clock for System {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one reader of the ambient clock"
    )]
    fn now(&self) -> Timestamp {
        jiff::Timestamp::now().into()
    }
}

impl SecureRandom for System {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        aws_lc_rs::rand::fill(bytes).map_err(|_| Error::internal("the system has no random bytes"))
    }
}
