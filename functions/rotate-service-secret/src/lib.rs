//! `POST /services/{name}/secret`.

pub mod handler;
pub mod rotate_service_secret;
