//! The comparison operators.

use std::net::IpAddr;

use serde_json::{Number, Value};

/// A condition on one scalar value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Matcher {
    /// The same string, number, boolean or null.
    Equals(Value),
    /// A string that satisfies a text condition.
    Text(Text),
    /// Anything which satisfies none of the conditions.
    AnythingBut(Vec<Matcher>),
    /// A number for which all comparisons hold.
    Numeric(Vec<(Comparison, f64)>),
    /// The field is there, or is not.
    Exists(bool),
    /// An IP address within the block.
    Cidr(Block),
}

/// A condition on a string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Text {
    EqualsIgnoreCase(String),
    Prefix(String),
    PrefixIgnoreCase(String),
    Suffix(String),
    SuffixIgnoreCase(String),
    Wildcard(Wildcard),
}

/// The literal parts between the asterisks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wildcard(pub(super) Vec<String>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A block of IP addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) address: IpAddr,
    pub(super) prefix: u32,
}

impl Matcher {
    pub(super) fn matches(&self, value: &Value) -> bool {
        match self {
            Self::Equals(expected) => expected == value,
            Self::Text(condition) => value.as_str().is_some_and(|text| condition.matches(text)),
            Self::AnythingBut(excluded) => {
                !excluded.iter().any(|condition| condition.matches(value))
            }
            Self::Numeric(comparisons) => {
                value
                    .as_number()
                    .and_then(Number::as_f64)
                    .is_some_and(|number| {
                        comparisons
                            .iter()
                            .all(|(comparison, limit)| comparison.holds(number, *limit))
                    })
            }
            Self::Exists(expected) => *expected,
            Self::Cidr(block) => value
                .as_str()
                .and_then(|text| text.parse().ok())
                .is_some_and(|address| block.contains(address)),
        }
    }
}

impl Text {
    fn matches(&self, text: &str) -> bool {
        match self {
            Self::EqualsIgnoreCase(expected) => fold(text) == fold(expected),
            Self::Prefix(prefix) => text.starts_with(prefix.as_str()),
            Self::PrefixIgnoreCase(prefix) => fold(text).starts_with(&fold(prefix)),
            Self::Suffix(suffix) => text.ends_with(suffix.as_str()),
            Self::SuffixIgnoreCase(suffix) => fold(text).ends_with(&fold(suffix)),
            Self::Wildcard(wildcard) => wildcard.matches(text),
        }
    }
}

fn fold(text: &str) -> String {
    text.to_lowercase()
}

impl Wildcard {
    fn matches(&self, text: &str) -> bool {
        let Some((first, others)) = self.0.split_first() else {
            return text.is_empty();
        };
        let Some(mut rest) = text.strip_prefix(first.as_str()) else {
            return false;
        };
        let Some((last, middle)) = others.split_last() else {
            return rest.is_empty();
        };
        // The leftmost place for each part leaves the most room for those after it.
        for part in middle {
            match rest.find(part.as_str()) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        rest.ends_with(last.as_str())
    }
}

impl Comparison {
    /// Equality is exact: both sides come from JSON text.
    #[expect(clippy::float_cmp, reason = "the operator is defined as exact")]
    fn holds(self, number: f64, limit: f64) -> bool {
        match self {
            Self::Equal => number == limit,
            Self::Less => number < limit,
            Self::LessOrEqual => number <= limit,
            Self::Greater => number > limit,
            Self::GreaterOrEqual => number >= limit,
        }
    }
}

impl Block {
    fn contains(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(block), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - self.prefix).unwrap_or(0);
                block.to_bits() & mask == address.to_bits() & mask
            }
            (IpAddr::V6(block), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - self.prefix).unwrap_or(0);
                block.to_bits() & mask == address.to_bits() & mask
            }
            _ => false,
        }
    }
}
