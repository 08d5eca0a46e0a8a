//! The local stack: reads `template.yaml` and runs what it finds there.
//!
//! It is an emulator of the few AWS parts the template uses. Of what runs in it, it knows the
//! template and nothing else.

// The template, and what runs it.
pub mod compile;
pub mod stack;
pub mod template;

// What invokes functions, and what they call.
pub mod bus;
pub mod console;
pub mod dynamodb;
pub mod http_api;
pub mod invoke;
pub mod lambda;
pub mod mail;
pub mod pattern;
pub mod queue;
pub mod schedule;
pub mod services;
pub mod stream;

// What all of them use.
pub mod faults;
pub mod journal;
pub mod loopback;
#[cfg(test)]
mod testing;
