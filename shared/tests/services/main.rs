//! Tests of services of the layers over the fake back end, which only crates outside of them can use:
//! inside, its ports would be those of another build of the crate.

#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

mod access;
mod access_tokens;
mod attempts;
mod backoff;
mod cache;
mod deadlines;
mod idempotency;
mod links;
mod machines;
mod mail;
mod relay;
mod signing_keys;
mod updates;
