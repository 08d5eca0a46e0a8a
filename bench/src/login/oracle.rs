//! Whether the time of an answer tells who has an account.
//!
//! The kinds of sign-in take turns, so that each is compared with its neighbour and what else the
//! machine does meets all alike. Of the differences the median counts, with the interval in which it is
//! by the ranks of a sample (a sign test): nothing is supposed of how times are distributed.

use std::time::Instant;

use anyhow::ensure;

use super::service::{PASSWORD, Stage};
use crate::timing::Timings;

/// Two standard deviations of a binomial distribution are one square root of its number.
const DEVIATIONS: f64 = 1.96 / 2.0;

/// A kind of sign-in that is refused.
struct Kind {
    name: &'static str,
    email: &'static str,
    password: &'static str,
}

const KINDS: [Kind; 3] = [
    Kind {
        name: "wrong",
        email: "ann@example.com",
        password: "wrong horse battery staple",
    },
    Kind {
        name: "unknown address",
        email: "eve@example.com",
        password: PASSWORD,
    },
    Kind {
        name: "right, but inactive",
        email: "bob@example.com",
        password: PASSWORD,
    },
];

/// The rows of the table.
pub(super) async fn measure(samples: usize) -> anyhow::Result<Vec<String>> {
    let stage = Stage::real()?;
    stage.add("ann@example.com", true).await?;
    stage.add("bob@example.com", false).await?;
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); KINDS.len()];
    for round in 0..samples {
        for turn in 0..KINDS.len() {
            // Each kind comes first as often as the others.
            let at = (round + turn) % KINDS.len();
            let (Some(kind), Some(times)) = (KINDS.get(at), times.get_mut(at)) else {
                continue;
            };
            let started = Instant::now();
            let status = stage.sign_in(kind.email, kind.password).await?;
            times.push(started.elapsed().as_secs_f64() * 1e3);
            ensure!(status == 401, "{} was answered {status}", kind.name);
        }
    }
    let wrong = times.first().cloned().unwrap_or_default();
    let rows = KINDS.iter().zip(&times);
    Ok(rows
        .map(|(kind, times)| row(kind.name, times, &wrong))
        .collect())
}

fn row(name: &str, times: &[f64], wrong: &[f64]) -> String {
    let mut timings = Timings::default();
    for time in times {
        timings.add(std::time::Duration::from_secs_f64(time / 1e3));
    }
    let mut differences: Vec<f64> = times.iter().zip(wrong).map(|(a, b)| a - b).collect();
    differences.sort_by(f64::total_cmp);
    let count = differences.len();
    let reach = (DEVIATIONS * f64::from(u32::try_from(count).unwrap_or(u32::MAX)).sqrt()).ceil();
    // Between 0 and the square root of the count.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "see above"
    )]
    let reach = reach as usize;
    let at = |rank: usize| differences.get(rank).copied().unwrap_or(f64::NAN);
    let (low, middle, high) = (
        at((count / 2).saturating_sub(reach)),
        at(count / 2),
        at((count / 2 + reach).min(count.saturating_sub(1))),
    );
    let p50 = timings.percentile(50);
    format!("| {name} | {p50:.2} | {middle:+.3} | {low:+.3} and {high:+.3} |")
}
