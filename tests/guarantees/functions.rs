//! The functions of the deployment over a [`FakeBackend`](testing::FakeBackend), by their logical ids in
//! `template.yaml`. Each request and each event gets one of its own, as in a new process.

mod endpoints;
mod observers;

use std::time::Duration;

use shared::domain::{mail::MailGuarantee, sign_up::SignUpPolicy};

pub(crate) use self::{
    endpoints::{Endpoints, endpoints},
    observers::{Observers, observers},
};

/// How long a worker may still run when it gets an event.
pub(crate) const REMAINING: Duration = Duration::from_secs(10);

/// What the deployment was told by its parameters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) policy: SignUpPolicy,
    pub(crate) guarantee: MailGuarantee,
}
