//! Commands over Roster's own code: the only place of this crate that imports `shared`.

mod admin;
mod export;
mod import;
mod record;
pub mod seed;
mod target;

#[cfg(test)]
mod tests;

pub use self::{
    admin::first_administrator, export::Export, import::Import, seed::Seed, target::Target,
};
