//! What a process needs before it answers, got again and again until it is there.
//!
//! A process that ends in its init has no answer for its request, and the caller gets the gateway's own error.
//! So a process whose tables do not answer serves all the same: each request asks once more, and is a 503 if it
//! was in vain.

use std::{future::Future, time::Duration};

use domain::{Error, Result};
use tokio::sync::{OnceCell, mpsc, oneshot};

/// The time that a process has to get ready before its first request. Lambda gives it ten seconds, and then
/// starts it again.
const INIT: Duration = Duration::from_secs(5);

/// What is got by a future that need not be `Send`, though requests are answered by futures that must be: they
/// ask, and [`Readiness::serve`] runs it beside them.
pub(super) struct Readiness<T> {
    cell: OnceCell<T>,
    asking: mpsc::Sender<Asker>,
}

type Asker = oneshot::Sender<Result<()>>;

/// Those who wait.
pub(super) struct Askers(mpsc::Receiver<Asker>);

impl<T> Readiness<T> {
    pub(super) fn new() -> (Self, Askers) {
        let (asking, asked) = mpsc::channel(1);
        let cell = OnceCell::new();
        (Self { cell, asking }, Askers(asked))
    }

    /// What is there from the beginning.
    pub(super) fn of(ready: T) -> Self {
        let (readiness, _) = Self::new();
        Self {
            cell: OnceCell::new_with(Some(ready)),
            ..readiness
        }
    }

    /// Tries for the first time.
    ///
    /// # Errors
    /// What will not pass by itself.
    pub(super) async fn init(&self, prepare: impl AsyncFn() -> Result<T>) -> Result<()> {
        match tokio::time::timeout(INIT, self.cell.get_or_try_init(|| prepare())).await {
            Ok(Err(error)) if error.is_internal() => return Err(error),
            Ok(Err(_)) | Err(_) => tracing::warn!("not ready yet"),
            Ok(Ok(_)) => {}
        }
        Ok(())
    }

    /// Serves, and tries again whenever a request asks.
    pub(super) async fn serve<O>(
        &self,
        mut askers: Askers,
        prepare: impl AsyncFn() -> Result<T>,
        serving: impl Future<Output = O>,
    ) -> O {
        let trying = async {
            while let Some(asker) = askers.0.recv().await {
                let outcome = self.cell.get_or_try_init(|| prepare()).await;
                // Who asked may have reached its deadline.
                _ = asker.send(outcome.map(drop));
            }
            // Nobody can ask any more, but what is served goes on.
            std::future::pending().await
        };
        let both = futures::future::select(Box::pin(serving), Box::pin(trying)).await;
        both.factor_first().0
    }

    /// What is ready, or what was in the way.
    pub(super) async fn get(&self) -> Result<&T> {
        if let Some(ready) = self.cell.get() {
            return Ok(ready);
        }
        let (asker, outcome) = oneshot::channel();
        self.asking.send(asker).await.map_err(Error::caused_by)?;
        outcome.await.map_err(Error::caused_by)??;
        let nothing = || Error::internal("ready, and nothing is there");
        self.cell.get().ok_or_else(nothing)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use domain::Refusal;

    use super::*;

    fn unavailable() -> Error {
        Refusal::Unavailable(Duration::from_secs(1)).into()
    }

    /// Fails for so many times.
    fn failing(times: u32) -> impl AsyncFn() -> Result<u32> {
        let left = Cell::new(times);
        async move || match left.get() {
            0 => Ok(7),
            more => {
                left.set(more - 1);
                Err(unavailable())
            }
        }
    }

    #[tokio::test]
    async fn each_request_tries_again_until_all_is_there() {
        let (readiness, askers) = Readiness::new();
        let prepare = failing(2);
        readiness.init(&prepare).await.unwrap();
        let serving = async {
            let refused = readiness.get().await.unwrap_err();
            assert!(!refused.is_internal());
            assert_eq!(readiness.get().await.unwrap(), &7);
        };
        readiness.serve(askers, &prepare, serving).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_try_that_hangs_leaves_time_for_the_first_request() {
        let (readiness, _askers) = Readiness::<u32>::new();
        let hang = async || std::future::pending().await;
        readiness.init(hang).await.unwrap();
    }

    #[tokio::test]
    async fn what_does_not_pass_ends_the_start() {
        let (readiness, _askers) = Readiness::<u32>::new();
        let wrong = async || Err(Error::internal("no such table"));
        assert!(readiness.init(wrong).await.is_err());
    }
}
