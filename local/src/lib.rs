//! The local stack: reads `template.yaml` and runs what it finds there.
//!
//! It is an emulator of the few AWS parts Roster uses. It knows Roster only by its template:
//! nothing of the emulator imports `shared`.

pub mod compile;
pub mod http_api;
pub mod invoke;
pub mod journal;
pub mod lambda;
pub mod loopback;
pub mod queue;
pub mod services;
pub mod stack;
pub mod template;
