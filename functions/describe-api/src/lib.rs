//! `GET /health`, `GET /openapi.json`, and the answer to every unknown route.

pub mod describe_api;
pub mod handler;
