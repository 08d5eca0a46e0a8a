//! HTTP, as all functions speak it: [`run`] is the one place for configuration, request id, access
//! check, problem mapping, deadline and the log line, and cannot be called without an [`Access`].

pub mod access;
mod authorization;
mod call;
pub mod fields;
pub mod pagination;
pub mod parameters;
pub mod problem;
pub mod reply;

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use adapters::composition::{Deployment, Ports};
use domain::{Error, Refusal, error::Causes};
use futures::FutureExt as _;
use lambda_http::{Body, Request, Response, service_fn};

pub use self::{
    access::{Access, Caller, Gate},
    call::Call,
    fields::Fields,
    parameters::Parameters,
    reply::Reply,
};
pub use lambda_http::http::{HeaderValue, Method, StatusCode, header};

use crate::{
    config::Settings,
    startup::{self, Exit},
};

/// What an answer needs of the time that Lambda gives a request, to be written and sent.
const RESERVE: Duration = Duration::from_millis(500);

/// Serves a function until the environment ends: starts telemetry, reads the configuration, connects,
/// and asks `wire` for the use case. Whoever may call is known by `access` alone.
///
/// # Errors
/// If the configuration is wrong, the use case cannot be made, or the Lambda runtime cannot be reached.
pub async fn run<C, S, H, F, W>(access: Access, handle: H, wire: W) -> Exit
where
    C: Settings,
    S: Send + Sync,
    H: Fn(Arc<S>, Call) -> F + Send + Sync,
    F: Future<Output = Reply> + Send,
    W: AsyncFnOnce(&Ports, C) -> domain::Result<S>,
{
    let (ports, deployment, config) = startup::start::<H, C>().await?;
    let gate = gate(access, &ports, &deployment).await?;
    let service = wire(&ports, config).await?;
    serve(access, gate, service, handle).await
}

/// Serves a function that needs nothing of AWS.
///
/// # Errors
/// If the Lambda runtime cannot be reached.
pub async fn run_alone<S, H, F>(access: Access, handle: H, service: S) -> Exit
where
    S: Send + Sync,
    H: Fn(Arc<S>, Call) -> F + Send + Sync,
    F: Future<Output = Reply> + Send,
{
    crate::telemetry::start(startup::crate_of::<H>());
    serve(access, Gate::open(""), service, handle).await
}

/// The gate that `access` needs. One that knows callers loads the keys first, which also opens the
/// connection that the first request will use.
async fn gate(access: Access, ports: &Ports, deployment: &Deployment) -> domain::Result<Gate> {
    if access == Access::Anyone {
        return Ok(Gate::open(&deployment.issuer));
    }
    let tokens = ports.tokens();
    tokens.warm_up().await?;
    let gate = Gate::guarded(&deployment.issuer, tokens, ports.users());
    let lag = Duration::from_secs(deployment.access_lag);
    Ok(gate.remembering(lag, ports.circumstances.clock.clone()))
}

async fn serve<S, H, F>(access: Access, gate: Gate, service: S, handle: H) -> Exit
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

/// Answers one request: what [`run`] does for each, and what tests call.
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
    let remaining = call.deadline().map(startup::remaining);
    let work = async {
        call.caller = gate.admit(access, &call).await?;
        handle(service, call).await
    };
    // A panic is a defect, yet the client gets an answer with an id to report.
    let work = AssertUnwindSafe(work)
        .catch_unwind()
        .map(|outcome| outcome.unwrap_or_else(|_| Err(Error::internal("the handler panicked"))));
    let outcome = within(remaining, work).await;
    let response = outcome.unwrap_or_else(|error| {
        if error.is_internal() {
            tracing::error!(%request_id, error = %Causes(&error), "failed");
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

/// The outcome of `work`; or that a part does not answer, a moment before Lambda would end the worker
/// without an answer.
async fn within(remaining: Option<Duration>, work: impl Future<Output = Reply>) -> Reply {
    let Some(remaining) = remaining else {
        return work.await;
    };
    let outcome = tokio::time::timeout(remaining.saturating_sub(RESERVE), work).await;
    outcome.unwrap_or_else(|_| {
        tracing::error!("no answer before the deadline");
        Err(Refusal::Unavailable(Duration::from_secs(1)).into())
    })
}
