//! Times of repeated work.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// How long some runs of the same work took, the shortest first.
#[derive(Default)]
pub(crate) struct Timings(Vec<Duration>);

impl Timings {
    /// Runs `work` so often.
    pub(crate) fn of<T>(
        runs: u16,
        mut work: impl FnMut() -> anyhow::Result<T>,
    ) -> anyhow::Result<Self> {
        let mut timings = Self::default();
        for _ in 0..runs {
            let started = Instant::now();
            black_box(work()?);
            timings.add(started.elapsed());
        }
        Ok(timings)
    }

    /// Adds a run.
    pub(crate) fn add(&mut self, taken: Duration) {
        let at = self.0.partition_point(|other| *other <= taken);
        self.0.insert(at, taken);
    }

    /// The time which so many of a hundred runs did not exceed, in milliseconds.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        millis(self.0.get(rank - 1).copied().unwrap_or_default())
    }
}

/// A time in milliseconds.
pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
