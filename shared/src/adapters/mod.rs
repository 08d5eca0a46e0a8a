//! What implements the ports.

pub mod dynamodb;
