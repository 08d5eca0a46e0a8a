//! What every implementation of the ports must do, whatever it stands on.
//!
//! Each behaviour is one function over [`ports::Ports`]; [`contract!`] makes it a test for each
//! backend. Time passes only where a test says so.

#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

mod api_keys;
mod attempts;
mod audit;
mod backend;
mod cache;
mod changes;
mod costs;
mod directory;
mod erasure;
mod faults;
mod identities;
mod invitations;
mod keys;
mod leases;
mod life;
mod lost_replies;
mod mailboxes;
mod matching;
mod ports;
mod races;
mod rehash;
mod replacing;
mod requests;
mod services;
mod sessions;
mod snapshots;
mod streams;
mod tables;
mod tokens;
mod users;

/// Makes the functions of a module tests against each backend.
macro_rules! contract {
    ($($test:ident),+ $(,)?) => {
        contract!(@ memory () $($test)+);
        contract!(@ embedded () $($test)+);
        contract!(@ dynamodb_local (#[ignore = "needs ROSTER_DYNAMODB_LOCAL_URL"]) $($test)+);
    };
    (@ $backend:ident $attributes:tt $($test:ident)+) => {
        mod $backend {
            $(crate::contract!(@@ $backend $attributes $test);)+
        }
    };
    (@@ $backend:ident ($(#[$attribute:meta])*) $test:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        $(#[$attribute])*
        async fn $test() {
            crate::backend::$backend(super::$test).await;
        }
    };
}
pub(crate) use contract;
