//! Kills processes of functions, as the kernel does when memory runs out.

use std::{
    collections::BTreeMap,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::stand::Stand;

/// How many processes of each function were killed.
#[derive(Default)]
pub(crate) struct Kills(BTreeMap<String, u64>);

impl Kills {
    pub(crate) fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Of these functions.
    pub(crate) fn of(&self, functions: &[&str]) -> u64 {
        let kills = functions
            .iter()
            .filter_map(|function| self.0.get(*function));
        kills.sum()
    }
}

/// Kills one process in each period, until it is over.
pub(crate) async fn run(
    stand: Arc<Stand>,
    over: Arc<AtomicBool>,
    mut random: fastrand::Rng,
    period: Duration,
) -> Kills {
    let mut kills = Kills::default();
    let functions: Vec<_> = stand.running.model.functions.keys().cloned().collect();
    while !over.load(Ordering::SeqCst) {
        tokio::time::sleep(period).await;
        let alive: Vec<_> = functions
            .iter()
            .flat_map(|function| {
                let processes = stand.running.lambda.processes(function);
                processes
                    .into_iter()
                    .map(move |process| (function, process))
            })
            .collect();
        let Some((function, process)) = random.choice(alive) else {
            continue;
        };
        let killed = Command::new("kill")
            .args(["-9", &process.to_string()])
            .status();
        // It may have ended by itself meanwhile.
        if killed.is_ok_and(|status| status.success()) {
            *kills.0.entry(function.clone()).or_default() += 1;
        }
    }
    kills
}
