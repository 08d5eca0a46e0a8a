//! `PUT /services/{name}`.

pub mod handler;
pub mod register_service;
