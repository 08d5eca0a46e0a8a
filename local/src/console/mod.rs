//! The console: a page that shows what happens in the stack, the journal as JSON, and pages that
//! whoever starts the stack adds.
//!
//! | path | what |
//! |---|---|
//! | `/` | the page |
//! | `/api/inbox`, `/api/events`, `/api/dead-letters` | journal entries, `?after=<sequence>` |
//! | `/api/routes`, `/api/calls` | the template's routes; what was asked of the tables |
//! | `/api/live` | the journal as server-sent events |
//! | `/proxy/…` | the API, for the pages: they have one origin to talk to |

mod api;
mod pages;
mod proxy;
#[cfg(test)]
mod tests;

use axum::{Router, middleware};
use serde::Serialize;

use crate::{dynamodb::Calls, journal::Journal, loopback};

/// What the console shows beside the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Config {
    /// Name of the stack.
    pub name: String,
    /// Address of the API, such as `http://127.0.0.1:3000`.
    pub api: String,
    /// Its routes.
    pub routes: Vec<Route>,
}

/// A route of the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Route {
    /// Method, or `ANY`.
    pub method: String,
    /// Path with `{parameters}`, or `$default`.
    pub path: String,
    /// Logical id of the function.
    pub function: String,
}

/// The console, with `pages` beside its own.
pub fn router(config: Config, pages: Router, journal: Journal, calls: Calls) -> Router {
    let api = config.api.clone();
    Router::new()
        .merge(pages::router(pages))
        .nest("/api", api::router(config, journal, calls))
        .nest("/proxy", proxy::router(api))
        .layer(middleware::from_fn(loopback::guard))
}
