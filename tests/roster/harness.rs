//! Runs the tests, and then asks whether they showed all that `openapi.yaml` documents, and needed all that
//! `template.yaml` permits.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial, run};

use crate::{contract, policies};

/// A function with `#[test]`.
pub struct Test {
    /// Its name, with the crate's before it.
    pub path: &'static str,
    pub run: fn(),
}

inventory::collect!(Test);

impl Test {
    fn name(&self) -> &'static str {
        self.path
            .split_once("::")
            .map_or(self.path, |(_, name)| name)
    }
}

/// Does what the arguments of `cargo test` say. Only a run of all tests can tell what no test shows.
pub fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut tests: Vec<_> = inventory::iter::<Test>.into_iter().collect();
    tests.sort_by_key(|test| test.path);
    let count = tests.len();
    let trials = tests.into_iter().map(|test| {
        Trial::test(test.name(), || {
            (test.run)();
            Ok(())
        })
    });
    let conclusion = run(&arguments, trials.collect());
    if usize::try_from(conclusion.num_passed) != Ok(count) {
        return conclusion.exit_code();
    }
    let verdicts = vec![
        Trial::test("contract::every_documented_answer_was_seen", || {
            contract::verdict().map_err(Into::into)
        }),
        Trial::test("policies::every_permission_was_needed", || {
            policies::verdict().map_err(Into::into)
        }),
    ];
    run(&arguments, verdicts).exit_code()
}
