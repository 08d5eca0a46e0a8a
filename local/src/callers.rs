//! Who called which service: for tests that hold the calls against a function's policy.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, header},
    middleware::{self, Next},
};

/// The callers of services that have one action each. Clones share one record.
#[derive(Debug, Clone, Default)]
pub struct Callers(Arc<Mutex<BTreeSet<(String, String)>>>);

impl Callers {
    /// Each caller with each action, in the terms of an IAM policy.
    pub fn all(&self) -> BTreeSet<(String, String)> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The service, each call of which takes permission for `action`.
    pub(crate) fn noted(&self, action: &'static str, service: Router) -> Router {
        let callers = self.clone();
        let note = move |request: Request, next: Next| {
            if let Some(caller) = caller(request.headers()) {
                let mut record = callers.0.lock().unwrap_or_else(PoisonError::into_inner);
                record.insert((caller, action.to_owned()));
            }
            next.run(request)
        };
        service.layer(middleware::from_fn(note))
    }
}

/// The access key id of the signature, which is the logical id of the calling function.
pub(crate) fn caller(headers: &HeaderMap) -> Option<String> {
    let authorization = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (_, credential) = authorization.split_once("Credential=")?;
    credential.split('/').next().map(str::to_owned)
}
