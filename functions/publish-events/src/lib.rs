//! Relays the outbox in the streams of the tables to the bus.

pub mod publish_events;
