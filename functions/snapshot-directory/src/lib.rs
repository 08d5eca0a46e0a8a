//! Snapshots of the directory.

pub mod handler;
pub mod snapshot_directory;
