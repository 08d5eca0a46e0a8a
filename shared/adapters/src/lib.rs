//! What implements the ports, and their composition.

pub mod argon2;
pub mod composition;
pub mod dynamodb;
pub mod eventbridge;
mod foreign_hashes;
pub mod jwt;
pub mod oidc;
pub mod ses;
pub mod system;
