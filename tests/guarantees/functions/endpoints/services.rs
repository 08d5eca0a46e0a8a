//! What other services do, and administrators about them.

use std::{collections::BTreeMap, sync::Arc};

use shared::domain::service::Networks;
use testing::{Endpoint, FakeBackend};

use super::Endpoints;

pub(super) fn endpoints() -> Endpoints {
    macro_rules! service {
        ($function:ident, $service:ident, $wire:expr) => {
            endpoint!($function, |backend| {
                let wire: fn(&Arc<FakeBackend>) -> $function::$function::$service = $wire;
                wire(backend)
            })
        };
    }
    BTreeMap::from([
        (
            "RegisterService",
            service!(register_service, RegisterService, |backend| {
                register_service::register_service::RegisterService {
                    services: backend.clone(),
                    secrets: backend.webhook_secrets(),
                    env: backend.env(),
                }
            }),
        ),
        (
            "RotateServiceSecret",
            service!(rotate_service_secret, RotateServiceSecret, |backend| {
                rotate_service_secret::rotate_service_secret::RotateServiceSecret {
                    services: backend.clone(),
                    secrets: backend.webhook_secrets(),
                    env: backend.env(),
                }
            }),
        ),
        (
            "DeregisterService",
            service!(deregister_service, DeregisterService, |backend| {
                deregister_service::deregister_service::DeregisterService {
                    services: backend.clone(),
                    instances: backend.clone(),
                    env: backend.env(),
                }
            }),
        ),
        (
            "RegisterInstance",
            service!(register_instance, RegisterInstance, |backend| {
                register_instance::register_instance::RegisterInstance {
                    services: backend.clone(),
                    instances: backend.clone(),
                    networks: Networks::default(),
                    clock: backend.clone(),
                }
            }),
        ),
        (
            "DeregisterInstance",
            service!(deregister_instance, DeregisterInstance, |backend| {
                deregister_instance::deregister_instance::DeregisterInstance {
                    instances: backend.clone(),
                }
            }),
        ),
        (
            "RedeliverEvents",
            service!(redeliver_events, RedeliverEvents, |backend| {
                redeliver_events::redeliver_events::RedeliverEvents {
                    services: backend.clone(),
                    log: backend.clone(),
                    queue: backend.clone(),
                }
            }),
        ),
    ])
}
