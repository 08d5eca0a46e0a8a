//! One environment: a process, its Runtime API, and one event at a time.

use std::{io, time::Duration};

use serde_json::Value;
use tokio::{net::TcpListener, process::Child, sync::mpsc, task::JoinSet, time::Instant};

use super::{
    Life,
    process::Program,
    runtime_api::{self, Call, Delivery},
};
use crate::{invoke::InvokeError, journal::Journal};

/// Longest time until a process asks for an event. Lambda allows 10 s; here many unoptimised
/// processes may start at once on few cores.
const START: Duration = Duration::from_mins(1);

/// A process that runs a function.
#[derive(Debug)]
pub(super) struct Environment {
    child: Child,
    process: u32,
    /// What the process says.
    calls: mpsc::Receiver<Call>,
    /// Its Runtime API, which ends with this.
    _server: JoinSet<io::Result<()>>,
    idle_since: Instant,
    life: Life,
}

/// How a run went.
pub(super) struct Run {
    pub(super) result: Result<Value, InvokeError>,
    /// Time from the delivery of the event to its end; `None` if the process did not take the event.
    pub(super) took: Option<Duration>,
}

impl Run {
    pub(super) fn not_begun(error: InvokeError) -> Self {
        Self {
            result: Err(error),
            took: None,
        }
    }
}

impl Environment {
    /// Starts a process.
    pub(super) async fn start(
        program: &Program,
        life: &Life,
        journal: &Journal,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (sender, calls) = mpsc::channel(1);
        let child = program.start(address, journal)?;
        let process = child.id().unwrap_or_default();
        life.processes.send_modify(|processes| {
            processes.insert(process, program.id.clone());
        });
        let mut server = JoinSet::new();
        let router = runtime_api::router(sender);
        server.spawn(async move { axum::serve(listener, router).await });
        Ok(Self {
            child,
            process,
            calls,
            _server: server,
            idle_since: Instant::now(),
            life: life.clone(),
        })
    }

    /// Gives the process an event as soon as it asks for one, and waits for the answer.
    pub(super) async fn handle(
        &mut self,
        program: &Program,
        request_id: &str,
        payload: &Value,
    ) -> Run {
        let timeout = Duration::from_secs(program.function.timeout);
        let delivery = Delivery {
            request_id: request_id.to_owned(),
            arn: program.arn(),
            timeout,
            payload: payload.to_string().into(),
        };
        // It may have ended while it had no event; its connection may not know yet.
        if let Ok(Some(status)) = self.child.try_wait() {
            return Run::not_begun(InvokeError::Exited(status.to_string()));
        }
        if let Err(error) = self.deliver(delivery).await {
            return Run::not_begun(error);
        }
        let start = Instant::now();
        let result = match self.hear(start, timeout).await {
            Ok(Call::Done(result)) => result,
            Ok(Call::Next(_) | Call::InitFailed(_)) => {
                let reason = "it asked for the next event without answering this one";
                Err(InvokeError::Exited(reason.to_owned()))
            }
            Err(error) => Err(error),
        };
        self.idle_since = Instant::now();
        Run {
            result,
            took: Some(start.elapsed()),
        }
    }

    async fn deliver(&mut self, mut delivery: Delivery) -> Result<(), InvokeError> {
        let start = Instant::now();
        let mut init_error = None;
        loop {
            match self.hear(start, START).await {
                Ok(Call::Next(next)) => match next.send(delivery) {
                    Ok(()) => return Ok(()),
                    // It closed the connection: it is about to end, or will ask again.
                    Err(back) => delivery = back,
                },
                Ok(Call::InitFailed(error)) => init_error = Some(InvokeError::Function(error)),
                Ok(Call::Done(_)) => {}
                Err(error) => return Err(init_error.unwrap_or(error)),
            }
        }
    }

    /// What the process says next, within `most` after `start`.
    async fn hear(&mut self, start: Instant, most: Duration) -> Result<Call, InvokeError> {
        tokio::select! {
            // What the process said counts before that it ended.
            biased;
            Some(call) = self.calls.recv() => Ok(call),
            status = self.child.wait() => Err(InvokeError::Exited(match status {
                Ok(status) => status.to_string(),
                Err(error) => error.to_string(),
            })),
            () = self.life.ended() => Err(InvokeError::Stopping),
            () = tokio::time::sleep_until(start + most) => Err(InvokeError::TimedOut(most)),
        }
    }

    /// True if the last event ended `longest` ago, or the process has ended.
    pub(super) fn is_idle_for(&mut self, longest: Duration) -> bool {
        self.idle_since.elapsed() >= longest || !matches!(self.child.try_wait(), Ok(None))
    }

    /// Ends the process and waits until it is gone.
    pub(super) async fn end(mut self) {
        if let Err(error) = self.child.kill().await {
            tracing::warn!(process = self.process, %error, "cannot end a process");
        }
        self.life.processes.send_modify(|processes| {
            processes.remove(&self.process);
        });
    }
}
