//! Sessions.

use std::{collections::BTreeMap, sync::Arc};

use shared::{application::sign_in::Strategies, domain::attempt::Limit};
use testing::Endpoint;

use super::{Endpoints, Settings};

pub(super) fn endpoints(Settings { policy, .. }: Settings) -> Endpoints {
    let authenticate = endpoint!(authenticate, move |backend| {
        let password = backend.password_strategy();
        let devices = password.devices.clone();
        let oidc = authenticate::oidc::OidcStrategy {
            policy,
            providers: backend.clone(),
            rate_limiter: backend.sign_in_limiter(10),
            sign_ups: backend.sign_up_limiter(),
            updates: backend.user_updates(),
        };
        authenticate::authenticate::Authenticate {
            audiences: "".parse().expect("no audience"),
            strategies: Strategies {
                password: Arc::new(password),
                oidc: Arc::new(oidc),
            },
            session_starter: backend.session_starter(),
            devices,
        }
    });
    let prove_again = endpoint!(prove_again, |backend| {
        let oidc = prove_again::fresh_identity::FreshIdentity {
            providers: backend.clone(),
            rate_limiter: backend.sign_in_limiter(10),
            users: backend.clone(),
            clock: backend.clone(),
        };
        prove_again::prove_again::ProveAgain {
            strategies: Strategies {
                password: Arc::new(backend.password_strategy()),
                oidc: Arc::new(oidc),
            },
            sessions: backend.clone(),
            tokens: backend.clone(),
            ring: backend.known_ring(),
            devices: backend.devices(),
            clock: backend.clone(),
        }
    });
    let refresh_session = endpoint!(refresh_session, |backend| {
        refresh_session::refresh_session::RefreshSession {
            audiences: "".parse().expect("no audience"),
            users: backend.clone(),
            sessions: backend.clone(),
            session_tokens: backend.session_tokens(),
            devices: backend.devices(),
            per_session: Limit::hourly(60),
            env: backend.env(),
        }
    });
    let end_session = endpoint!(end_session, |backend| {
        end_session::end_session::EndSession {
            sessions: backend.clone(),
            updates: backend.user_updates(),
        }
    });
    let end_sessions = endpoint!(end_sessions, |backend| {
        end_sessions::end_sessions::EndSessions {
            updates: backend.user_updates(),
        }
    });
    BTreeMap::from([
        ("Authenticate", authenticate),
        ("ProveAgain", prove_again),
        ("RefreshSession", refresh_session),
        ("EndSession", end_session),
        ("EndSessions", end_sessions),
    ])
}
