//! Which instance gets the work: power of two choices.
//!
//! Two instances are drawn by their shares, and the one which answered faster lately is taken. So the work
//! spreads, a slow instance gets less of it, and no two callers have to know of each other.

use super::{super::Timestamp, Instance};

/// An instance that is usable at `now`; none if there is none. `random` is two numbers drawn evenly.
pub fn choose(instances: &[Instance], now: Timestamp, random: [u64; 2]) -> Option<&Instance> {
    let shares: Vec<_> = instances
        .iter()
        .map(|instance| (instance, instance.health.share(instance.weight, now)))
        .filter(|(_, share)| *share > 0)
        .collect();
    let first = draw(&shares, random[0])?;
    let others: Vec<_> = shares
        .iter()
        .copied()
        .filter(|(instance, _)| instance.id != first.id)
        .collect();
    let Some(second) = draw(&others, random[1]) else {
        return Some(first);
    };
    // One which was never measured is tried.
    let latency = |instance: &Instance| instance.health.latency.unwrap_or(0);
    if latency(second) < latency(first) {
        Some(second)
    } else {
        Some(first)
    }
}

/// One of them, each as likely as its share says.
fn draw<'a>(shares: &[(&'a Instance, u64)], random: u64) -> Option<&'a Instance> {
    let total: u64 = shares.iter().map(|(_, share)| share).sum();
    let mut point = random.checked_rem(total)?;
    for (instance, share) in shares {
        match point.checked_sub(*share) {
            None => return Some(instance),
            Some(rest) => point = rest,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::service::Health;

    fn now() -> Timestamp {
        Timestamp::from_seconds(1_000_000)
    }

    fn instance(number: usize, weight: u16, health: Health) -> Instance {
        let id = format!("i{number}").parse().unwrap();
        let url = format!("https://i{number}.example.com").parse().unwrap();
        Instance {
            health,
            ..Instance::register(id, url, weight, now())
        }
    }

    fn health() -> impl Strategy<Value = Health> {
        (0..5_u32, prop::option::of(0..10_000_u64)).prop_map(|(failures, latency)| {
            let start = Health {
                latency,
                ..Health::default()
            };
            (0..failures).fold(start, |health, _| health.failed(now()))
        })
    }

    fn instances() -> impl Strategy<Value = Vec<Instance>> {
        prop::collection::vec((1..=100_u16, health()), 0..6).prop_map(|all| {
            let all = all.into_iter().enumerate();
            all.map(|(number, (weight, health))| instance(number, weight, health))
                .collect()
        })
    }

    proptest! {
        #[test]
        fn a_usable_one_is_chosen_if_there_is_any(instances in instances(), random: [u64; 2]) {
            let any = instances.iter().any(|instance| instance.health.is_usable());
            let chosen = choose(&instances, now(), random);
            prop_assert_eq!(chosen.is_some(), any);
            prop_assert!(chosen.is_none_or(|chosen| chosen.health.is_usable()));
        }

        /// Of several usable ones, the slowest is never taken where another was drawn with it.
        #[test]
        fn of_two_the_faster_is_taken(slow in 2..1_000_u64, random: [u64; 2]) {
            let of = |latency| Health { latency: Some(latency), ..Health::default() };
            let both = [instance(0, 1, of(slow)), instance(1, 100, of(1))];
            let chosen = choose(&both, now(), random).unwrap();
            prop_assert_eq!(&chosen.id, &both[1].id);
        }
    }

    /// How often each of them is chosen, over numbers which are spread evenly.
    fn counts(instances: &[Instance]) -> Vec<usize> {
        let mut counts = vec![0; instances.len()];
        let spread = |n: u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        for n in 0..10_000 {
            let chosen = choose(instances, now(), [spread(n), spread(n + 77_777)]).unwrap();
            let place = instances.iter().position(|each| each.id == chosen.id);
            counts[place.unwrap()] += 1;
        }
        counts
    }

    #[test]
    fn equals_share_the_work_and_a_heavier_one_gets_more() {
        let all: Vec<_> = (0..3).map(|n| instance(n, 10, Health::default())).collect();
        let counted = counts(&all);
        assert!(
            counted.iter().all(|count| (2_800..3_900).contains(count)),
            "{counted:?}"
        );
        let mut heavy = all;
        heavy[1].weight = 40;
        let counted = counts(&heavy);
        assert!(
            counted[1] > 3 * counted[0] && counted[1] > 3 * counted[2],
            "{counted:?}"
        );
    }

    #[test]
    fn one_that_returns_gets_little_at_first() {
        let out = (0..3).fold(Health::default(), |health, _| health.failed(now()));
        let back = out.succeeded(Duration::ZERO, now());
        let back = Health {
            latency: None,
            ..back
        };
        let all = [
            instance(0, 10, Health::default()),
            instance(1, 10, Health::default()),
            instance(2, 10, back),
        ];
        let counted = counts(&all);
        assert!(counted[2] < 1_000 && counted[2] > 100, "{counted:?}");
    }
}
