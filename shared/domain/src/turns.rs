//! Keys and secrets that take turns: the next is there before it is used, and the one before stays until
//! nothing that it made counts any more.

use std::time::Duration;

use super::Timestamp;

/// How long before its first use a key or a secret is there: whoever reads it at least once in that time
/// knows it by then. API Gateway keeps what it read of our keys for two hours.
pub const PUBLISH_AHEAD: Duration = Duration::from_hours(4);

/// One of several that take turns.
pub trait Turn {
    /// When it begins to be used.
    fn activates_at(&self) -> Timestamp;
}

/// The one in use at `now`: of those active, the newest. If none is, the oldest: this machine's clock is
/// behind that of the one which made the first.
pub fn current<T: Turn>(turns: &[T], now: Timestamp) -> Option<&T> {
    turns
        .iter()
        .filter(|turn| turn.activates_at() <= now)
        .max_by_key(|turn| turn.activates_at())
        .or_else(|| turns.iter().min_by_key(|turn| turn.activates_at()))
}

/// True if the next one should be there at `now`, if each is used for `period`.
pub fn is_due<T: Turn>(turns: &[T], now: Timestamp, period: Duration) -> bool {
    let newest = turns.iter().map(Turn::activates_at).max();
    newest.is_none_or(|newest| newest.plus(period).minus(PUBLISH_AHEAD) <= now)
}

/// True if another one has been in use for longer than `retention`, and `turn` no more.
pub fn is_retired<T: Turn>(turns: &[T], turn: &T, retention: Duration, now: Timestamp) -> bool {
    turns.iter().any(|other| {
        other.activates_at() > turn.activates_at() && other.activates_at().plus(retention) <= now
    })
}
