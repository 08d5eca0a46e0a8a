//! `POST /services/{name}/deliveries/redeliver`.

pub mod handler;
pub mod redeliver_events;
