//! HTTP, as all functions speak it.

pub mod pagination;
