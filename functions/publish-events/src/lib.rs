//! Relays the outbox in the streams of the tables to the bus.

pub mod handler;
pub mod publish_events;
