//! The test kit.
//!
//! | type | what |
//! |---|---|
//! | [`FakeBackend`] | every port in memory; counts calls and injects faults |
//! | [`Fixture`] | a backend with an administrator, Ann and Bob, all signed in |
//! | [`TestRequest`], [`Answer`] | a request as API Gateway sends it, and the response |
//! | [`Endpoint`] | a handler over a backend, and the tests that every command must pass |

#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "what does not hold in a test ends the test"
)]

mod endpoint;
mod fake_backend;
mod fixture;
mod request;

pub use endpoint::Endpoint;
pub use fake_backend::{
    FakeBackend, Fault, PASSWORD, Person, SERVICE, SIGN_INS, SIGN_UPS, Sent, identity,
};
pub use fixture::{Fixture, Principal};
pub use request::{Answer, CLIENT_IP, TestRequest};
pub use serde_json::{Value, json};
