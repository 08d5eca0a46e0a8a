//! What every Roster function shares: the domain, its ports, and the adapters behind them.
//!
//! Dependencies point inward: functions use [`ports`] and [`domain`]; adapters implement ports;
//! the domain knows nobody.

pub mod adapters;
pub mod directory;
pub mod domain;
pub mod http;
pub mod ports;
