//! `GET /users`.

pub mod handler;
pub mod list_users;
