//! CPU time, as Linux counts it: what others run on the machine counts less than in time that passes.

use std::{fs, io::ErrorKind, time::Duration};

use anyhow::Context as _;

/// What all threads of a process ran so far. `process` is its number, or `self`.
pub(super) fn of(process: &str) -> anyhow::Result<Duration> {
    // The kernel counts up a running thread when it leaves the core, and else at its ticks.
    std::thread::yield_now();
    let mut nanos = 0;
    let tasks = format!("/proc/{process}/task");
    for task in fs::read_dir(&tasks).with_context(|| format!("{tasks}: this takes Linux"))? {
        match fs::read_to_string(task?.path().join("schedstat")) {
            Ok(stat) => {
                let ran = stat.split(' ').next().unwrap_or_default();
                nanos += ran.parse::<u64>().context("schedstat")?;
            }
            // A thread that ended since.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Duration::from_nanos(nanos))
}

/// The CPU time which `work` takes in this process.
pub(super) fn taken<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(Duration, T)> {
    let before = of("self")?;
    let outcome = work()?;
    Ok((of("self")?.saturating_sub(before), outcome))
}
