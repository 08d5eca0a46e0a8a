//! `DELETE /services/{name}/instances/{instance}`.

pub mod deregister_instance;
pub mod handler;
