//! The ports over `DynamoDB`.

mod directory;
mod feed;

pub use directory::Directory;
pub use feed::SHARDS;
