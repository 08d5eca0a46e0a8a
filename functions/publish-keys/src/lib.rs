//! `GET /.well-known/jwks.json` and `GET /.well-known/openid-configuration`.

pub mod handler;
pub mod publish_keys;
