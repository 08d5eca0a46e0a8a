//! The local stack: reads `template.yaml` and runs what it finds there.
//!
//! It is an emulator of the few AWS parts the template uses. Of what runs in it, it knows the
//! template and nothing else.

// The template, and what runs it.
pub mod compile;
mod services;
pub mod ssm;
pub mod stack;
pub mod template;

// What invokes functions, and what they call.
mod bus;
mod callers;
mod console;
pub mod dynamodb;
mod forward;
mod http_api;
pub mod invoke;
pub mod lambda;
pub mod mail;
mod pattern;
pub mod queue;
mod redrive;
mod schedule;
mod stream;

// What all of them use.
pub mod journal;
mod loopback;
mod port;
#[cfg(test)]
mod testing;
pub mod variables;

pub use loopback::Hosts;
