//! `GET /users`.

pub mod handler;
mod query;
