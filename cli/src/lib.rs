//! What operators and developers run: the commands of the binary `roster`.
//!
//! `cargo local` is its command `local`, `cargo roster …` has the others.

mod admin;
mod check;
mod export;
mod first_admin;
mod generate;
mod import;
pub mod local;
mod record;
mod redrive;
pub mod replay;
pub mod seed;
mod target;
mod token;

#[cfg(test)]
mod tests;

pub use self::{
    admin::{Admin, create_user, first_administrator},
    check::Check,
    export::Export,
    first_admin::FirstAdmin,
    generate::Generate,
    import::Import,
    local::Local,
    redrive::Redrive,
    replay::Replay,
    seed::Seed,
    target::{Target, connect_tables, serve_tables},
    token::Token,
};
