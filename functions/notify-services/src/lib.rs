//! Puts each event into the queue, once for each service that is told of it.

pub mod notify_services;
