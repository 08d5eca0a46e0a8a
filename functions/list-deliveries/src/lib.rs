//! `GET /services/{name}/deliveries`.

pub mod handler;
pub mod list_deliveries;
