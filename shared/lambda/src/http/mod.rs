//! HTTP, as all functions speak it: [`serve`] is the one place for request id, access check,
//! problem mapping and the log line, and cannot be called without an [`Access`].

pub mod access;
mod authorization;
mod call;
pub mod fields;
pub mod idempotency;
pub mod pagination;
pub mod parameters;
pub mod problem;
pub mod reply;
pub mod sample;
pub mod stage;

use std::{future::Future, panic::AssertUnwindSafe, sync::Arc, time::Instant};

use futures::FutureExt as _;
use lambda_http::{Body, Request, Response, service_fn};

pub use self::{
    access::{Access, Caller, Gate},
    call::Call,
    fields::Fields,
    parameters::Parameters,
    reply::Reply,
};
use crate::domain::Error;

/// Answers requests until the environment ends.
///
/// # Errors
/// If the Lambda runtime cannot be reached.
pub async fn serve<S, H, F>(
    access: Access,
    gate: Gate,
    service: S,
    handle: H,
) -> Result<(), lambda_http::Error>
where
    S: Send + Sync,
    H: Fn(Arc<S>, Call) -> F + Send + Sync,
    F: Future<Output = Reply> + Send,
{
    let service = Arc::new(service);
    lambda_http::run(service_fn(async |request| {
        Ok::<_, std::convert::Infallible>(
            answer(access, &gate, service.clone(), &handle, request).await,
        )
    }))
    .await
}

/// Answers one request: what [`serve`] does for each, and what tests call.
pub async fn answer<S, H, F>(
    access: Access,
    gate: &Gate,
    service: Arc<S>,
    handle: &H,
    request: Request,
) -> Response<Body>
where
    H: Fn(Arc<S>, Call) -> F,
    F: Future<Output = Reply>,
{
    let started = Instant::now();
    let (mut call, route) = Call::read(request);
    call.issuer = gate.issuer_for(&call);
    let request_id = call.request_id().to_owned();
    let work = async {
        call.caller = gate.admit(access, &call).await?;
        handle(service, call).await
    };
    // A panic is a defect, yet the client gets an answer with an id to report.
    let outcome = AssertUnwindSafe(work)
        .catch_unwind()
        .await
        .unwrap_or_else(|_| Err(Error::internal("the handler panicked")));
    let response = outcome.unwrap_or_else(|error| {
        if error.is_internal() {
            tracing::error!(%request_id, error = %Chain(&error), "failed");
        }
        problem::render(&error, &request_id)
    });
    tracing::info!(
        %request_id,
        route,
        status = response.status().as_u16(),
        micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        "answered"
    );
    reply::finish(response, &request_id)
}

/// An error with its causes, for the log.
pub struct Chain<'a>(pub &'a (dyn std::error::Error + 'a));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}
