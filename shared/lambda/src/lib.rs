//! How functions are served: HTTP, observers, queues, relays, configuration, telemetry.

pub mod config;
pub mod http;
mod invocation;
mod metrics;
pub mod observer;
pub mod queue;
pub mod relay;
mod startup;
pub mod telemetry;

pub use startup::Exit;
