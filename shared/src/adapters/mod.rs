//! What implements the ports.

pub mod argon2;
pub mod dynamodb;
pub mod eventbridge;
pub mod jwt;
pub mod memory;
pub mod oidc;
pub mod ses;
pub mod system;
