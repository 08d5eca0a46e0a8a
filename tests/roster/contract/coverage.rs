//! Which documented answers the tests of this run have seen.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use super::{COVERAGE, contract};

/// Documented answers that no test can bring about on purpose, and why.
const EXCEPTIONS: [(&str, &str); 6] = [
    ("VersionConflict", LOST_RACES),
    ("changePassword 409", LOST_RACES),
    ("changePassword 404", ERASED),
    ("changeEmail 404", ERASED),
    ("linkIdentity 404", ERASED),
    (
        "Unavailable",
        "the local database always answers; the adapter's tests know what it says when it does not",
    ),
];

const LOST_RACES: &str =
    "takes five lost races in a row, or one in a moment; the tests of the use case order them";

const ERASED: &str = "the user is erased in the moment after the caller was looked up";

/// The answers so far.
#[derive(Default)]
pub struct Coverage(Mutex<BTreeSet<String>>);

impl Coverage {
    pub fn note(&self, key: String) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(key);
    }

    fn seen(&self) -> BTreeSet<String> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.clone()
    }
}

/// Whether every documented answer was seen, or is an exception, and every exception is documented.
pub fn verdict() -> Result<(), String> {
    let seen = COVERAGE.seen();
    let documented: BTreeSet<_> = contract().documented().collect();
    let is_excepted = |key: &str| EXCEPTIONS.iter().any(|(excepted, _)| *excepted == key);
    let unseen = documented.difference(&seen).filter(|key| !is_excepted(key));
    let unseen = unseen.map(|key| format!("{key}: documented, and no test shows it"));
    let idle = EXCEPTIONS.iter().map(|(key, _)| *key);
    let idle = idle.filter(|key| !documented.contains(*key));
    let idle = idle.map(|key| format!("{key}: an exception, and not documented"));
    let complaints: Vec<_> = unseen.chain(idle).collect();
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(format!("openapi.yaml:\n{}", complaints.join("\n")))
    }
}
