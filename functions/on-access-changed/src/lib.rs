//! Observes what changes how a user signs in: tells the user.

pub mod on_access_changed;
