//! The console: a page that shows what happens in the stack, the journal as JSON, and pages that
//! the starter of the stack adds.
//!
//! | path | what |
//! |---|---|
//! | `/` | the page |
//! | `/api/inbox`, `/api/events`, `/api/dead-letters` | journal entries, `?after=<sequence>` or `?since=<time>` |
//! | `/api/routes`, `/api/calls` | the template's routes; what was asked of the tables |
//! | `/api/mailboxes` | addresses to which mails do not simply go |
//! | `PUT /api/mailboxes/{address}` | `{"outcome": "bounce"}`: what becomes of mails to it from now on; also `soft-bounce`, `complaint`, `suppressed`, `reject`, `delivery` |
//! | `/api/variables` | the environment variables of the functions |
//! | `/api/live` | the journal as server-sent events |
//! | `/2015-03-31/functions/<logical id>/invocations` | Lambda's `Invoke` |
//! | `POST /api/queues/<logical id>/redrive` | dead letters go to their function again |
//! | `POST /` | EventBridge's `PutEvents` |
//! | `/proxy/…` | the API, for the pages: they have one origin to talk to |
//! | `/2015-03-31/functions/{function}/invocations` | Lambda's `Invoke` |

mod api;
mod pages;
mod proxy;
#[cfg(test)]
mod tests;

use axum::{Router, middleware};

use crate::{
    dynamodb::Calls, journal::Journal, loopback, mail::Mailboxes, template::Route,
    variables::Variables,
};

/// What the console shows and serves.
pub(crate) struct Console<'a> {
    pub(crate) routes: &'a [Route],
    pub(crate) variables: Variables,
    /// Beside its own.
    pub(crate) pages: Router,
    /// What operators ask of AWS's services.
    pub(crate) operations: Router,
    pub(crate) journal: Journal,
    pub(crate) calls: Calls,
    pub(crate) mailboxes: Mailboxes,
}

pub(crate) fn router(console: Console<'_>) -> Router {
    let api = console.variables.api.clone();
    let (pages, operations) = (console.pages.clone(), console.operations.clone());
    Router::new()
        .merge(pages::router(pages))
        .merge(operations)
        .nest("/api", api::router(console))
        .nest("/proxy", proxy::router(api))
        .layer(middleware::from_fn(loopback::by_name))
}
