//! What every Roster function shares: the domain, its ports, and the adapters behind them.
//!
//! Dependencies point inward: functions use [`ports`] and [`domain`]; adapters implement ports;
//! the domain knows nobody.

pub mod adapters;
pub mod asking;
pub mod aws;
pub mod cache;
pub mod changing;
pub mod config;
pub mod directory;
pub mod domain;
pub mod events;
pub mod feed;
pub mod granting;
pub mod http;
pub mod mailing;
pub mod ports;
pub mod proving;
pub mod reauthentication;
pub mod replica;
pub mod secret;
pub mod streams;
pub mod telemetry;
pub mod throttle;
