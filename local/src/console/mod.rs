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
//! | `/api/live` | the journal as server-sent events |
//! | `/2015-03-31/functions/<logical id>/invocations` | Lambda's `Invoke` |
//! | `POST /api/queues/<logical id>/redrive` | dead letters go to their function again |
//! | `POST /` | EventBridge's `PutEvents` |
//! | `/proxy/…` | the API, for the pages: they have one origin to talk to |

mod api;
mod pages;
mod proxy;
#[cfg(test)]
mod tests;

use axum::{Router, middleware};

use crate::{dynamodb::Calls, journal::Journal, loopback, mail::Mailboxes, template::Route};

/// The console of the API at the address `api`, with `pages` beside its own.
pub(crate) fn router(
    api: String,
    routes: &[Route],
    pages: Router,
    journal: Journal,
    calls: Calls,
    mailboxes: Mailboxes,
) -> Router {
    Router::new()
        .merge(pages::router(pages))
        .nest("/api", api::router(&api, routes, journal, calls, mailboxes))
        .nest("/proxy", proxy::router(api))
        .layer(middleware::from_fn(loopback::by_name))
        .layer(middleware::from_fn(loopback::guard))
}
