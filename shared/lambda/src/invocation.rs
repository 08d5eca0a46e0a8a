//! What an invocation took: the fields that the line of each has, whatever invoked the function.

use std::{
    sync::Mutex,
    sync::PoisonError,
    time::{Duration, Instant},
};

use adapters::dynamodb::usage::{self, Usage};

/// The part of this process's life before the first invocation.
#[derive(Clone, Copy)]
enum Init {
    /// It began then.
    Running(Instant),
    /// It took so long, and no invocation has told yet.
    Done(Duration),
}

static INIT: Mutex<Option<Init>> = Mutex::new(None);

/// The process starts.
pub(crate) fn init_begins() {
    *lock() = Some(Init::Running(Instant::now()));
}

/// The process is ready for invocations.
pub(crate) fn init_ends() {
    let mut init = lock();
    if let Some(Init::Running(began)) = *init {
        *init = Some(Init::Done(began.elapsed()));
    }
}

fn lock() -> std::sync::MutexGuard<'static, Option<Init>> {
    INIT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One invocation, from its first line to its last.
pub(crate) struct Invocation {
    began: Instant,
    /// How long the start of the process took, if nothing was invoked before.
    init: Option<Duration>,
}

impl Invocation {
    pub(crate) fn begin() -> Self {
        let init = match lock().take() {
            Some(Init::Done(init)) => Some(init),
            _ => None,
        };
        Self {
            began: Instant::now(),
            init,
        }
    }

    /// What it took. What the start of the process asked of DynamoDB counts for the first.
    pub(crate) fn end(self) -> Spent {
        Spent {
            micros: micros(self.began.elapsed()),
            init_micros: self.init.map(micros),
            dynamodb: usage::take(),
        }
    }
}

/// What an invocation took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spent {
    pub(crate) micros: u64,
    pub(crate) init_micros: Option<u64>,
    pub(crate) dynamodb: Usage,
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

/// The line of an invocation, at this level: what it took, and the fields of its kind.
macro_rules! line {
    ($level:ident, $invocation:expr, $($fields:tt)+) => {{
        let spent = $invocation.end();
        tracing::$level!(
            micros = spent.micros,
            cold = spent.init_micros.is_some(),
            init_micros = spent.init_micros,
            requests = spent.dynamodb.requests,
            read_units = spent.dynamodb.read_units,
            write_units = spent.dynamodb.write_units,
            $($fields)+
        );
    }};
}
pub(crate) use line;
