//! End-to-end tests: the real binaries, run by the local stack from `template.yaml`.
//!
//! All tests share one stack and tell their users apart by address; tests that break something
//! start a stack of their own. Nothing sleeps: a test waits for an entry of the journal. After each
//! test the outbox is empty, nothing lies in a dead-letter queue, and no function did what its
//! policies would not let it do.

#![expect(unreachable_pub, reason = "a test binary has no outside")]
#![expect(clippy::unwrap_used, reason = "what a test does not expect fails it")]

mod audit_events_get;
mod concealed;
mod costs;
mod crashes;
mod default;
mod email_verifications;
mod health;
mod identities;
mod import;
mod last_administrator;
mod life;
mod openid;
mod password_resets;
mod people;
mod policies;
mod sessions;
mod sessions_post;
mod snapshots;
mod support;
mod token;
mod users_get;
mod users_id;
mod users_id_patch;
mod users_post;
mod well_known;
