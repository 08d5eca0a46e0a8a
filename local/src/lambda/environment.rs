//! One environment: a process, its Runtime API, and one event at a time.

use std::{io, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde_json::Value;
use tokio::{
    net::TcpListener,
    process::Child,
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::Instant,
};

use super::{
    Counted,
    jobs::{Answer, Job},
    pool::Pool,
    runtime_api::{self, Call, Delivery},
};
use crate::invoke::InvokeError;

/// Longest time from the start of a process to its first request for an event. Lambda allows
/// 10 s; here many unoptimised processes may start at once on few cores.
const START: Duration = Duration::from_mins(1);

/// Runs environment `id` of `pool` until its process ends or has to.
pub(super) async fn run(pool: Arc<Pool>, id: u64, _alive: Counted) {
    match Environment::start(&pool, id).await {
        Ok(mut environment) => {
            let end = environment.serve().await;
            environment.finish(end).await;
        }
        Err(error) => {
            let executable = pool.program.executable().display();
            let reason = format!("cannot start {executable}: {error}");
            fail_next(&pool, InvokeError::Exited(reason));
        }
    }
    pool.ended(id);
}

/// Fails the next waiting event: the environment that would have taken it does not start. Without
/// this, a function that cannot start would be started for ever.
fn fail_next(pool: &Pool, error: InvokeError) {
    if let Some(job) = pool.jobs.try_pop() {
        pool.answer(job, true, Duration::ZERO, Err(error));
    }
}

struct Environment {
    pool: Arc<Pool>,
    id: u64,
    child: Child,
    calls: mpsc::Receiver<Call>,
    server: JoinHandle<io::Result<()>>,
    phase: Phase,
    /// When the phase has lasted too long.
    until: Instant,
    /// No event was delivered yet.
    cold: bool,
    init_error: Option<Value>,
}

enum Phase {
    /// The process was started, or answered an event, and has not asked for the next one yet.
    Preparing,
    /// It waits for an event.
    Waiting(oneshot::Sender<Delivery>),
    /// It has an event.
    Busy(Job, Instant),
}

/// Why an environment ends.
enum End {
    Exited(String),
    TimedOut,
    Idle,
    Stopping,
}

impl Environment {
    async fn start(pool: &Arc<Pool>, id: u64) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (sender, calls) = mpsc::channel(1);
        let child = pool.program.start(address, &pool.journal)?;
        pool.started(id, child.id());
        let router = runtime_api::router(sender);
        Ok(Self {
            pool: Arc::clone(pool),
            id,
            child,
            calls,
            server: tokio::spawn(async move { axum::serve(listener, router).await }),
            phase: Phase::Preparing,
            until: Instant::now() + START,
            cold: true,
            init_error: None,
        })
    }

    /// Serves the process until something ends it.
    async fn serve(&mut self) -> End {
        let pool = Arc::clone(&self.pool);
        loop {
            let is_waiting = matches!(self.phase, Phase::Waiting(_));
            tokio::select! {
                // What the process said counts before that it ended, and that it ended counts
                // before it gets an event.
                biased;
                Some(call) = self.calls.recv() => self.hear(call),
                status = self.child.wait() => return End::Exited(match status {
                    Ok(status) => status.to_string(),
                    Err(error) => error.to_string(),
                }),
                () = pool.life.ended() => return End::Stopping,
                job = pool.jobs.pop(), if is_waiting => self.deliver(job),
                () = tokio::time::sleep_until(self.until) => return match self.phase {
                    Phase::Waiting(_) => End::Idle,
                    Phase::Preparing | Phase::Busy(..) => End::TimedOut,
                },
            }
        }
    }

    fn hear(&mut self, call: Call) {
        match call {
            Call::Next(sender) => {
                // A process that asks again while it has an event gives that event up.
                if let Phase::Busy(job, since) = self.enter(
                    Phase::Waiting(sender),
                    self.pool.program.settings.idle_after,
                ) {
                    let reason = "it asked for the next event without answering this one";
                    self.settle(job, since, Err(InvokeError::Exited(reason.to_owned())));
                }
            }
            Call::Done {
                request_id,
                result,
                accepted,
            } => {
                let is_current =
                    matches!(&self.phase, Phase::Busy(job, _) if job.request_id == request_id);
                if is_current && let Phase::Busy(job, since) = self.enter(Phase::Preparing, START) {
                    self.settle(job, since, result);
                }
                // If the process left, its end is noticed elsewhere.
                let _process_left = accepted.send(is_current);
            }
            Call::InitFailed(error) => self.init_error = Some(error),
        }
    }

    /// Changes the phase, which may last for `most`, and gives back the one before.
    fn enter(&mut self, phase: Phase, most: Duration) -> Phase {
        self.until = Instant::now() + most;
        std::mem::replace(&mut self.phase, phase)
    }

    fn deliver(&mut self, job: Job) {
        let timeout = self.pool.program.function.timeout;
        let Phase::Waiting(sender) = self.enter(Phase::Preparing, START) else {
            return self.pool.jobs.put_back(job);
        };
        let left = i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX);
        let delivery = Delivery {
            request_id: job.request_id.clone(),
            arn: self.pool.program.arn.clone(),
            deadline: Timestamp::now().as_millisecond().saturating_add(left),
            payload: job.payload.to_string().into(),
        };
        if sender.send(delivery).is_err() {
            // The process closed the connection: it is about to end, or will ask again.
            return self.pool.jobs.put_back(job);
        }
        self.enter(Phase::Busy(job, Instant::now()), timeout);
        self.pool.set_busy(self.id, true);
    }

    /// Ends the run of `job`.
    fn settle(&mut self, job: Job, since: Instant, result: Answer) {
        self.pool.set_busy(self.id, false);
        let cold = std::mem::take(&mut self.cold);
        self.pool.answer(job, cold, since.elapsed(), result);
    }

    /// Ends the process and tells whoever waits for it.
    async fn finish(mut self, end: End) {
        self.server.abort();
        if let Err(error) = self.child.kill().await {
            tracing::warn!(function = self.pool.program.id, %error, "cannot end a process");
        }
        let error = match (end, self.init_error.take()) {
            (End::Stopping, _) => InvokeError::Stopping,
            (End::TimedOut, _) if matches!(self.phase, Phase::Busy(..)) => {
                InvokeError::TimedOut(self.pool.program.function.timeout)
            }
            (End::TimedOut | End::Idle, None) => InvokeError::TimedOut(START),
            (End::Exited(status), None) => InvokeError::Exited(status),
            (_, Some(error)) => InvokeError::Function(error),
        };
        match std::mem::replace(&mut self.phase, Phase::Preparing) {
            Phase::Busy(job, since) => self.settle(job, since, Err(error)),
            // It never took an event.
            Phase::Preparing if self.cold => fail_next(&self.pool, error),
            Phase::Preparing | Phase::Waiting(_) => {}
        }
    }
}
