//! The local stack: reads `template.yaml` and runs what it finds there.
//!
//! It is an emulator of the few AWS parts Roster uses. It knows Roster only by its template:
//! nothing of the emulator imports `shared`.

pub mod invoke;
pub mod journal;
pub mod queue;

// The services which the functions call and the sources which invoke them.
pub mod account;
pub mod bus;
pub mod console;
pub mod dynamodb;
pub mod faults;
pub mod loopback;
pub mod mail;
pub mod pattern;
pub mod schedule;
pub mod stream;
#[cfg(test)]
mod testing;
