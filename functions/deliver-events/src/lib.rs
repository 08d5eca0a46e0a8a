//! Sends what waits in the queue to one healthy instance of its service.

pub mod deliver_events;
