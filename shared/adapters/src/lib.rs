//! What implements the ports.

pub mod argon2;
pub mod directory;
pub mod dynamodb;
pub mod eventbridge;
mod foreign_hashes;
pub mod jwt;
pub mod memory;
pub mod oidc;
pub mod ses;
pub mod system;
