//! `GET /services/{name}/instance`.

pub mod discover_service;
pub mod handler;
