//! What implements the ports, and their composition.

// The contract suite names this crate, and a module of it is used by tests here.
#[cfg(test)]
extern crate self as adapters;

pub mod argon2;
pub mod composition;
pub mod dynamodb;
pub mod eventbridge;
mod foreign_hashes;
pub mod https;
pub mod jwt;
#[cfg(test)]
mod log;
pub mod oidc;
mod sdk_config;
pub mod ses;
pub mod sqs;
pub mod ssm;
pub mod system;
mod tls;
pub mod webhooks;
pub mod xray;

/// How old known keys of a provider must be before an unknown `kid` makes us look again. So tokens with
/// invented ones cause no more than one request in this time.
const LOOK_AGAIN_AFTER: std::time::Duration = std::time::Duration::from_mins(1);
