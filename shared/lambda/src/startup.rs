//! What every function does first.

use adapters::composition::{Deployment, Ports};

use crate::{
    config::{self, Settings},
    telemetry,
};

/// What the `main` of a function returns: an error ends the environment, and Lambda starts another.
pub type Exit = Result<(), lambda_runtime::Error>;

/// Starts telemetry, reads the configuration and connects. `H` is the function's handler, by whose
/// path the log knows the function's crate.
pub(crate) fn start<H, C: Settings>() -> Result<(Ports, Deployment, C), lambda_runtime::Error> {
    telemetry::start(crate_of::<H>());
    let (deployment, config) = config::from_environment::<(Deployment, C)>()?;
    let ports = Ports::connect(deployment.clone());
    Ok((ports, deployment, config))
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
