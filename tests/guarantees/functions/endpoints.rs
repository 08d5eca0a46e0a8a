//! What has a route.

use std::collections::BTreeMap;

use testing::Endpoint;

use super::Settings;

/// Functions with a route.
pub(crate) type Endpoints = BTreeMap<&'static str, Endpoint>;

macro_rules! endpoint {
    ($function:ident, $wire:expr) => {
        Endpoint::new(
            $function::handler::ACCESS,
            $function::handler::handle,
            $wire,
        )
    };
}

mod accounts;
mod administration;
mod services;
mod sessions;

/// The commands of the API, and the query that verifies the trail.
pub(crate) fn endpoints(settings: Settings) -> Endpoints {
    let mut all = accounts::endpoints(settings);
    all.extend(administration::endpoints());
    all.extend(services::endpoints());
    all.extend(sessions::endpoints(settings));
    all
}
