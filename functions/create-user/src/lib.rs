//! `POST /users`.

pub mod create_user;
pub mod handler;
