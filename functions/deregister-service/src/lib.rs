//! `DELETE /services/{name}`.

pub mod deregister_service;
pub mod handler;
