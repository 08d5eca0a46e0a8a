//! A small service that Roster tells of users. It keeps, for each, whom to notify and whether at all.

pub mod profiles;
pub mod roster;

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use standardwebhooks::Webhook;

pub use profiles::{Profile, Profiles};

/// What the service has.
pub struct Service {
    pub profiles: Profiles,
    /// Knows what Roster signed.
    pub webhook: Webhook,
}

/// The routes: where Roster sends events and asks for the health, and where others ask for a profile.
pub fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/events", post(receive))
        .route("/health", get(async || StatusCode::NO_CONTENT))
        .route("/profiles/{id}", get(profile))
        .with_state(service)
}

/// Takes an event. What Roster did not sign, or signed more than five minutes ago, is refused before it is
/// read. Whatever is answered but 2xx comes again.
async fn receive(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    if service.webhook.verify(&body, &headers).is_err() {
        return StatusCode::UNAUTHORIZED;
    }
    match serde_json::from_slice(&body) {
        Ok(event) => {
            service.profiles.apply(&event);
            StatusCode::NO_CONTENT
        }
        Err(_) => StatusCode::BAD_REQUEST,
    }
}

async fn profile(State(service): State<Arc<Service>>, Path(id): Path<String>) -> Response {
    match service.profiles.get(&id) {
        Some(profile) => Json(profile).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
