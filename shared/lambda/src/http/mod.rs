//! HTTP, as all functions speak it: [`run`] is the one place for configuration, request id, access
//! check, problem mapping, deadline and the log line, and cannot be called without an [`Access`].

pub mod access;
mod authenticator;
pub mod body;
mod error;
mod machine;
pub mod parameters;
mod preconditions;
pub mod problem;
mod proxy;
mod readiness;
mod request;
pub mod response;

use std::{future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use adapters::{
    composition::{Deployment, Ports},
    system::System,
};
use application::ports::Clock as _;
use domain::{Refusal, attempt::Limit, error::Causes};
use futures::FutureExt as _;
use lambda_http::{Body, Request as RawRequest, Response as RawResponse, service_fn};

pub use self::{
    access::{Access, Caller, Recent, Who},
    authenticator::{Authenticator, CallerPorts},
    error::{Error, TransportError},
    machine::{KeyPorts, Machine},
    parameters::Parameters,
    proxy::TrustedProxies,
    request::Request,
    response::Response,
};
pub use lambda_http::http::{HeaderValue, Method, StatusCode, header};

use self::readiness::Readiness;
use crate::{
    config::{self, Settings},
    invocation::{self, Invocation},
    startup::{self, Exit},
};

/// The time before Lambda's deadline that is left for writing and sending a response.
pub const RESERVE: Duration = Duration::from_millis(500);

/// Serves a function until the environment ends: starts telemetry, reads the configuration, connects,
/// and asks `wire` for the use case. Whoever may call is known by `access` alone.
///
/// # Errors
/// If the configuration is wrong, the use case cannot be made, or the Lambda runtime cannot be reached.
pub async fn run<C, S, H, F, W>(access: Access, handle: H, wire: W) -> Exit
where
    C: Settings,
    S: Send + Sync,
    H: Fn(Arc<S>, Request) -> F + Send + Sync,
    F: Future<Output = Response> + Send,
    W: AsyncFn(&Ports, C) -> domain::Result<S>,
{
    let settings = startup::start::<H, (TrustedProxies, C)>();
    let (ports, deployment, (proxies, _)) = settings;
    let prepare = async || {
        let authenticator = authenticator(access, &ports, &deployment).await?;
        let config = config::from_environment().map_err(domain::Error::caused_by)?;
        let service = wire(&ports, config).await?;
        Ok((authenticator.behind(proxies.clone()), Arc::new(service)))
    };
    let (readiness, askers) = Readiness::new();
    startup::or_exit(readiness.init(&prepare).await);
    let serving = serve(access, &readiness, handle);
    readiness.serve(askers, &prepare, serving).await
}

/// Serves a function that needs nothing of AWS.
///
/// # Errors
/// If the Lambda runtime cannot be reached.
pub async fn run_alone<S, H, F>(access: Access, handle: H, service: S) -> Exit
where
    S: Send + Sync,
    H: Fn(Arc<S>, Request) -> F + Send + Sync,
    F: Future<Output = Response> + Send,
{
    startup::begin::<H>();
    let ready = (Authenticator::open(""), Arc::new(service));
    serve(access, &Readiness::of(ready), handle).await
}

/// The authenticator that `access` needs. One that knows callers loads the keys first, which also opens the
/// connection that the first request will use.
async fn authenticator(
    access: Access,
    ports: &Ports,
    deployment: &Deployment,
) -> domain::Result<Authenticator> {
    if access.who == Who::Anyone {
        return Ok(Authenticator::open(&deployment.issuer));
    }
    let tokens = ports.access_tokens();
    tokens.warm_up().await?;
    let callers = CallerPorts {
        tokens,
        users: ports.users(),
        sessions: ports.sessions(),
        ring: ports.ring(),
        clock: ports.env.clock.clone(),
    };
    let mut authenticator = Authenticator::guarded(&deployment.issuer, callers);
    if access.who.has_machines() {
        authenticator = authenticator.with_keys(KeyPorts {
            keys: ports.api_keys(),
            ring: ports.ring(),
            rate_limiter: ports.rate_limiter(),
            limit: Limit::minutely(deployment.api_key_calls),
        });
    }
    Ok(authenticator.remembering(deployment.access_lag()))
}

/// An authenticator, and the use case behind it.
type Ready<S> = (Authenticator, Arc<S>);

/// Answers requests, once there is who answers them.
async fn serve<S, H, F>(access: Access, readiness: &Readiness<Ready<S>>, handle: H) -> Exit
where
    S: Send + Sync,
    H: Fn(Arc<S>, Request) -> F + Send + Sync,
    F: Future<Output = Response> + Send,
{
    invocation::init_ends();
    lambda_http::run(service_fn(async |request| {
        let ready = async {
            let (authenticator, service) = readiness.get().await?;
            Ok((authenticator, service.clone()))
        };
        let response = answer_by(access, ready, &handle, request).await;
        Ok::<_, std::convert::Infallible>(response::Finished(response))
    }))
    .await
}

/// Answers one request.
pub async fn answer<S, H, F>(
    access: Access,
    authenticator: &Authenticator,
    service: Arc<S>,
    handle: &H,
    request: RawRequest,
) -> RawResponse<Body>
where
    H: Fn(Arc<S>, Request) -> F,
    F: Future<Output = Response>,
{
    let ready = async { Ok((authenticator, service)) };
    answer_by(access, ready, handle, request).await
}

/// The same, once there is who answers.
async fn answer_by<'a, S, H, F>(
    access: Access,
    ready: impl Future<Output = domain::Result<(&'a Authenticator, Arc<S>)>>,
    handle: &H,
    request: RawRequest,
) -> RawResponse<Body>
where
    H: Fn(Arc<S>, Request) -> F,
    F: Future<Output = Response>,
{
    let invocation = Invocation::begin();
    let (mut request, route) = Request::read(request);
    let request_id = request.request_id().to_owned();
    let traceparent = request.traceparent();
    let remaining = request.deadline().map(remaining);
    let (is_head, conditions) = (request.is_head(), request.conditions());
    let work = async {
        let (authenticator, service) = ready.await?;
        request.issuer = authenticator.issuer_for(&request);
        request.refuse_unreadable_headers()?;
        request.identify_client(authenticator.proxies())?;
        authenticator.admit(access, &mut request).await?;
        handle(service, request).await
    };
    // A panic is a defect, yet the client gets an answer with an id to report.
    let work = AssertUnwindSafe(work).catch_unwind().map(|outcome| {
        let panicked = || domain::Error::internal("the handler panicked");
        outcome.unwrap_or_else(|_| Err(panicked().into()))
    });
    let answer = within(remaining, work).await;
    let outcome = problem::outcome(&answer);
    let response = answer.unwrap_or_else(|error| {
        if let Error::Domain(error) = &error
            && error.is_internal()
        {
            tracing::error!(%request_id, error = %Causes(error), "failed");
        }
        problem::render(&error, &request_id)
    });
    let response = conditions.applied_to(response);
    let status = response.status().as_u16();
    invocation::line!(info, invocation, %request_id, route, traceparent, status, outcome, "answered");
    let response = response::finish(response, &request_id);
    if is_head {
        return response.map(|_| Body::Empty);
    }
    response
}

/// Longest time-out of a function (Lambda quotas).
const LONGEST: Duration = Duration::from_mins(15);
/// What is left if nobody says: the time-out in the template's Globals.
const UNTOLD: Duration = Duration::from_secs(10);

/// Time until `deadline`, in milliseconds since 1970, at which Lambda ends the worker.
pub(crate) fn remaining(deadline: u64) -> Duration {
    let now = Duration::from_millis(System.now().as_millis());
    let deadline = Duration::from_millis(deadline);
    // No event is that old. `cargo lambda watch` gives each ten minutes, but counts them from 1970.
    if deadline + LONGEST < now {
        return UNTOLD;
    }
    deadline.saturating_sub(now)
}

/// The outcome of `work`; or `Unavailable`, a moment before Lambda would end the worker without an
/// answer.
async fn within(remaining: Option<Duration>, work: impl Future<Output = Response>) -> Response {
    let Some(remaining) = remaining else {
        return work.await;
    };
    let outcome = tokio::time::timeout(remaining.saturating_sub(RESERVE), work).await;
    outcome.unwrap_or_else(|_| {
        tracing::error!("no answer before the deadline");
        Err(Refusal::Unavailable(Duration::from_secs(1)).into())
    })
}

#[cfg(test)]
mod tests;
