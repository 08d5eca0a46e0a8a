//! `GET /services/{name}`.

pub mod get_service;
pub mod handler;
