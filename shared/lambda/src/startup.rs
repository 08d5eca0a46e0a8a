//! What every function does first.

use std::error::Error;

use adapters::composition::{Deployment, Ports};
use domain::error::Causes;

use crate::{
    config::{self, Settings},
    invocation, telemetry,
};

/// What the `main` of a function returns: an error ends the environment, and Lambda starts another.
pub type Exit = Result<(), lambda_runtime::Error>;

/// Starts telemetry, reads the configuration and connects. `H` is the function's handler, by whose
/// path the log knows the function's crate.
pub(crate) fn start<H, C: Settings>() -> (Ports, Deployment, C) {
    begin::<H>();
    let (deployment, config) = or_exit(config::from_environment::<(Deployment, C)>());
    let ports = Ports::connect(deployment.clone());
    (ports, deployment, config)
}

/// What a function cannot start without; otherwise the log says why it does not, as all lines are, and the
/// process ends. Returned from `main`, the error would be a line of plain text.
pub(crate) fn or_exit<T>(outcome: Result<T, impl Error>) -> T {
    outcome.unwrap_or_else(|error| {
        tracing::error!(error = %Causes(&error), "the function does not start");
        std::process::exit(1)
    })
}

/// Starts the clock of the start, and telemetry.
pub(crate) fn begin<H>() {
    invocation::init_begins();
    telemetry::start(crate_of::<H>());
}

/// The crate in which a type was declared.
pub(crate) fn crate_of<T>() -> &'static str {
    let path = std::any::type_name::<T>();
    path.split("::").next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_knows_whose_handler_it_is() {
        fn of<H>(_: &H) -> &'static str {
            crate_of::<H>()
        }
        let closure = async || ();
        assert_eq!(of(&crate_of::<()>), "lambda");
        assert_eq!(of(&closure), "lambda");
    }
}
