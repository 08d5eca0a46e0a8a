//! `GET /services`.

pub mod handler;
pub mod list_services;
