//! `GET /users`.

pub mod list_users;
