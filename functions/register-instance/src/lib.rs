//! `PUT /services/{name}/instances/{instance}`.

pub mod handler;
pub mod register_instance;
