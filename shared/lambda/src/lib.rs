//! How functions are served: HTTP, observers, relays, configuration, telemetry.

pub mod config;
pub mod http;
pub mod observer;
pub mod relay;
mod startup;
pub mod telemetry;

pub use startup::Exit;
