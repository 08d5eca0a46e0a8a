//! End-to-end tests: the real binaries, run by the local stack from `template.yaml`.
//!
//! All tests share one stack and tell their users apart by address; tests that break something
//! start a stack of their own. Nothing sleeps: a test waits for an entry of the journal. After each
//! test the outbox is empty, nothing lies in a dead-letter queue, and no function did what its
//! policies would not let it do. Every request and every answer is held against `openapi.yaml`, and
//! after all tests whether they have shown each answer it documents.

#![expect(unreachable_pub, reason = "a test binary has no outside")]
#![expect(clippy::unwrap_used, reason = "what a test does not expect fails it")]

// In place of the standard `#[test]`, everywhere in this crate.
#[macro_use]
extern crate test_macros;

mod access;
mod alarms;
mod api_keys;
mod audiences;
mod audit_events_get;
mod bounces;
mod concealed;
mod contract;
mod cors;
mod costs;
mod crashes;
mod dead_letters;
mod default;
mod email_verifications;
mod first_admin;
mod flaws_of_others;
mod freezes;
mod harness;
mod health;
mod identities;
mod import;
mod input;
mod invitations;
mod last_administrator;
mod leaks;
mod life;
mod local_commands;
mod mails;
mod notices;
mod notifications;
mod old_passwords;
mod openid;
mod password_resets;
mod people;
mod policies;
mod pre_hijacking;
mod proxies;
mod receiver;
mod replay;
mod services;
mod sessions;
mod sessions_post;
mod snapshots;
mod support;
mod token;
mod traces;
mod unreachable;
mod users_get;
mod users_id_delete;
mod users_id_password;
mod users_id_patch;
mod users_id_recovery;
mod users_post;
mod well_known;

fn main() -> std::process::ExitCode {
    harness::main()
}
