//! How hard a password is to guess, at a bounded cost.

use std::borrow::Cow;

use zxcvbn::{Entropy, zxcvbn};

/// The first characters of a password, which are judged: the estimate takes time by the square of
/// them. A password whose first 64 characters are too easy to guess is refused, whatever follows.
const JUDGED_CHARS: usize = 64;

/// Combinations of lookalikes that are read in one password: the estimate takes time for each.
const MAX_READINGS: usize = 4;

/// The letters that zxcvbn reads in more than one symbol. It reads a password in every combination
/// of those symbols which are in it, 576 at most.
const LOOKALIKES: [&str; 7] = [
    "4@",   // a
    "({[<", // c
    "69",   // g
    "1!|",  // i
    "17|",  // l
    "5$",   // s
    "7+",   // t
];

/// The estimate for `password` of a person known by `words`.
pub(super) fn estimate(password: &str, words: &[&str]) -> Entropy {
    let judged: String = password.chars().take(JUDGED_CHARS).collect();
    zxcvbn(&with_few_readings(&judged), words)
}

/// `text`, or if that has too many readings, the same with one symbol for each letter. Digits stay: years
/// and dates are made of them.
fn with_few_readings(text: &str) -> Cow<'_, str> {
    if readings(text) <= MAX_READINGS {
        return text.into();
    }
    text.chars().map(first_lookalike).collect()
}

fn readings(text: &str) -> usize {
    let present = |symbols: &&str| symbols.chars().filter(|&c| text.contains(c)).count();
    let counts = LOOKALIKES.iter().map(present);
    counts.map(|count| count.max(1)).product()
}

/// The first symbol for the letter that `symbol` looks like.
fn first_lookalike(symbol: char) -> char {
    let is_alike = |symbols: &&&str| !symbol.is_ascii_digit() && symbols.contains(symbol);
    let alike = LOOKALIKES.iter().find(is_alike);
    alike
        .and_then(|symbols| symbols.chars().next())
        .unwrap_or(symbol)
}

#[cfg(test)]
mod tests;
