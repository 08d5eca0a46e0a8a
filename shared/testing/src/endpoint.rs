//! A handler over a [`FakeBackend`], and the tests that every command must pass.

use std::{future::Future, ops::RangeInclusive, pin::Pin, rc::Rc, sync::Arc, time::Duration};

use domain::{Refusal, Role, Roles};
use lambda::http::{Access, Authenticator, Request, Response, Who, answer, problem};
use lambda_http::{Body, Request as RawRequest, Response as RawResponse};

use crate::{Answer, FakeBackend, Fixture, Principal, TestRequest};

type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;
type Serve = Box<dyn Fn(&Arc<FakeBackend>, RawRequest) -> LocalFuture<'static, RawResponse<Body>>>;
type Given = Box<dyn for<'a> Fn(&'a Fixture, TestRequest) -> LocalFuture<'a, TestRequest>>;

/// An operation of the API: a handler, wired to a [`FakeBackend`], behind access check, problem
/// mapping and deadline as in production.
///
/// ```text
/// fn endpoint() -> Endpoint {
///     let request = TestRequest::new("POST", "/users/{id}/deactivate");
///     Endpoint::new(handler::ACCESS, handler::handle, |backend| DeactivateUser {
///         updates: backend.user_updates(),
///     })
///     .request(request, 200)
///     .done_again(&Refusal::AlreadyDeactivated)
/// }
/// ```
pub struct Endpoint {
    serve: Serve,
    given: Given,
    request: TestRequest,
    success: u16,
    done_again: Vec<(u16, &'static str)>,
    sender: Principal,
    pause: Duration,
    events: RangeInclusive<usize>,
}

impl Endpoint {
    /// A handler, and how to make its use case of a backend: anew for each answer, as in a new
    /// process, or the same `Arc` each time.
    pub fn new<S, U, F>(
        access: Access,
        handle: impl Fn(Arc<S>, Request) -> F + 'static,
        wire: impl Fn(&Arc<FakeBackend>) -> U + 'static,
    ) -> Self
    where
        S: 'static,
        U: Into<Arc<S>>,
        F: Future<Output = Response> + 'static,
    {
        let handle = Rc::new(handle);
        let serve = move |backend: &Arc<FakeBackend>, request| {
            let authenticator =
                Authenticator::guarded("", backend.callers()).with_keys(backend.machines());
            let (service, handle) = (wire(backend).into(), handle.clone());
            let answering =
                async move { answer(access, &authenticator, service, &*handle, request).await };
            Box::pin(answering) as LocalFuture<'static, _>
        };
        Self {
            serve: Box::new(serve),
            given: Box::new(|_, request| Box::pin(std::future::ready(request))),
            request: TestRequest::new("GET", "/"),
            success: 200,
            done_again: Vec::new(),
            sender: match access.who {
                Who::Anyone | Who::AnyoneOrCaller | Who::AnyoneOr(_) => Principal::Anonymous,
                Who::Owner | Who::OwnerOr(_) | Who::Caller => Principal::Owner,
                Who::Role(_) | Who::Service | Who::OwnService => Principal::Admin,
            },
            pause: Duration::ZERO,
            events: 1..=1,
        }
    }

    /// The request of the tests below, and the status of its success. They fill in the parameter `id`.
    #[must_use]
    pub fn request(mut self, request: TestRequest, success: u16) -> Self {
        self.request = request;
        self.success = success;
        self
    }

    /// Who sends it. By default Ann where owners may, else the administrator; nobody where anyone may.
    #[must_use]
    pub fn sender(mut self, sender: Principal) -> Self {
        self.sender = sender;
        self
    }

    /// What happens before the request; it may also complete the request.
    #[must_use]
    pub fn given(
        mut self,
        given: impl AsyncFn(&Fixture, TestRequest) -> TestRequest + 'static,
    ) -> Self {
        let given = Rc::new(given);
        self.given = Box::new(move |fixture, request| {
            let given = given.clone();
            Box::pin(async move { given(fixture, request).await })
        });
        self
    }

    /// The answer to a repetition of what is done, if it is not that of the first time.
    #[must_use]
    pub fn done_again(mut self, refusal: &Refusal) -> Self {
        let info = problem::info(refusal);
        self.done_again.push((info.status.as_u16(), info.code));
        self
    }

    /// The status of a repetition of what is done, if it is another success than the first time.
    #[must_use]
    pub fn succeeds_again(mut self, status: u16) -> Self {
        self.done_again.push((status, ""));
        self
    }

    /// The time between a request that met a fault and its repetition.
    #[must_use]
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// The number of events of a request that met a fault and its repetition; otherwise exactly one.
    #[must_use]
    pub fn events(mut self, events: RangeInclusive<usize>) -> Self {
        self.events = events;
        self
    }

    pub async fn answer(&self, backend: &Arc<FakeBackend>, request: TestRequest) -> Answer {
        Answer::new(&(self.serve)(backend, request.into_raw()).await)
    }

    /// Answers the request about Ann, by its usual sender, after what is given.
    pub async fn send(&self, fixture: &Fixture) -> Answer {
        let request = self.prepare_own(fixture).await;
        self.answer(&fixture.backend, request).await
    }

    /// The same by another sender.
    pub async fn send_as(&self, fixture: &Fixture, sender: Principal) -> Answer {
        let id = fixture.ann.id.to_string();
        let request = self.prepare(fixture, sender, &id).await;
        self.answer(&fixture.backend, request).await
    }

    /// Access: sends the request as everyone about Ann, about oneself as `me`, about nobody and with
    /// an id that is none, and compares with what `expected` means. Who may gets the success. Who may
    /// not changes nothing, and does not learn whether a user exists. Where no user is in the path,
    /// everyone sends it once.
    pub async fn admits(&self, expected: Access) {
        for principal in Principal::ALL {
            let ids = ["ann", "me", "nobody", "nonsense"];
            let ids = if self.request.has_id() {
                &ids[..]
            } else {
                &ids[..1]
            };
            for &id in ids {
                if id == "me" && principal.is_another_user() {
                    continue; // Then they are the owner.
                }
                let fixture = Fixture::new().await;
                let path_id = match id {
                    "ann" => fixture.ann.id.to_string(),
                    "nobody" => Fixture::nobody().to_string(),
                    other => other.to_owned(),
                };
                let request = self.prepare(&fixture, principal, &path_id).await;
                let before = written(&fixture);
                let answer = self.answer(&fixture.backend, request).await;
                let exists = id == "ann" || (id == "me" && !principal.is_machine());
                match principal.refusal(expected, exists) {
                    Some(refusal) => {
                        assert_eq!(answer.problem(), refusal, "{principal:?} about {id}");
                        assert_eq!(written(&fixture), before, "{principal:?} about {id}");
                    }
                    None => assert_eq!(
                        answer.status, self.success,
                        "{principal:?} about {id}: {}",
                        answer.body
                    ),
                }
            }
        }
    }

    /// Versions: a request that names another version of Ann than the present one changes nothing; one
    /// that names the present one succeeds.
    pub async fn refuses_a_stale_version(&self) {
        let fixture = Fixture::new().await;
        let request = self.prepare_own(&fixture).await;
        let present = fixture.ann().version.get();
        let before = written(&fixture);
        for version in [present - 1, present + 1] {
            let request = request
                .clone()
                .header("if-match", &format!("\"{version}\""));
            let answer = self.answer(&fixture.backend, request).await;
            let stale = (412, "precondition-failed");
            assert_eq!(answer.problem(), stale, "{version} of {present}");
            assert_eq!(written(&fixture), before, "{version} of {present}");
        }
        let request = request.header("if-match", &format!("\"{present}\""));
        let answer = self.answer(&fixture.backend, request).await;
        assert_eq!(answer.status, self.success, "{}", answer.body);
    }

    /// The last administrator cannot do it to themselves; the last but one can.
    pub async fn keeps_the_last_administrator(&self) {
        let fixture = Fixture::new().await;
        let id = fixture.admin.id.to_string();
        let request = self.prepare(&fixture, Principal::Admin, &id).await;
        let before = written(&fixture);
        let refused = self.answer(&fixture.backend, request.clone()).await;
        assert_eq!(refused.problem(), (409, "last-administrator"));
        assert_eq!(written(&fixture), before);

        let roles = Roles::from([Role::admin()]);
        fixture.backend.sign_up("Second", roles).await;
        let answer = self.answer(&fixture.backend, request).await;
        assert_eq!(answer.status, self.success, "{}", answer.body);
    }

    /// Faults: the request meets each [`Fault`](crate::Fault) at each call and is then repeated, as a
    /// client does that got no answer. In the end `is_done` is true, and the events are exactly one.
    /// If the first answer was a success in spite of the fault, it was true already.
    ///
    /// Returns the calls of the request without a fault: each failed in each way.
    pub async fn survives_every_fault(
        &self,
        is_done: impl AsyncFn(&Fixture) -> bool,
    ) -> Vec<&'static str> {
        let tried = FakeBackend::try_every_fault(async |fault| {
            let fixture = Fixture::new().await;
            let backend = &fixture.backend;
            let request = self.prepare_own(&fixture).await;
            let before = backend.outbox().len();
            let first = self.answer(backend, request.clone());
            let (first, happened) = backend.with_fault(fault, first).await;
            if first.is_some_and(|answer| answer.status == self.success) {
                assert!(is_done(&fixture).await, "{fault:?}: answered, not done");
            }
            backend.advance(self.pause);
            let again = self.answer(backend, request).await;
            let is_known = again.status == self.success
                || self
                    .done_again
                    .iter()
                    .any(|known| *known == again.problem());
            assert!(is_known, "{fault:?}: the repetition: {again:?}");
            assert!(is_done(&fixture).await, "{fault:?}: repeated, not done");
            let events = backend.outbox().len() - before;
            assert!(self.events.contains(&events), "{fault:?}: {events} events");
            happened
        })
        .await;

        let fixture = Fixture::new().await;
        let undisturbed = self.send(&fixture).await;
        assert_eq!(undisturbed.status, self.success, "{}", undisturbed.body);
        let calls = fixture.backend.trace();
        assert!(tried > 0, "no fault happened");
        assert_eq!(tried, 4 * calls.len(), "calls are in a fixed order");
        calls
    }

    /// The request about Ann, by the usual sender.
    async fn prepare_own(&self, fixture: &Fixture) -> TestRequest {
        let id = fixture.ann.id.to_string();
        self.prepare(fixture, self.sender, &id).await
    }

    /// The request, after what is given; with an empty trace.
    async fn prepare(&self, fixture: &Fixture, principal: Principal, id: &str) -> TestRequest {
        let request = (self.given)(fixture, self.request.clone().id(id)).await;
        let token = fixture.token(principal).await;
        fixture.backend.clear_trace();
        match token {
            Some(token) => request.bearer(&token),
            None => request,
        }
    }
}

/// What commands write: users with their versions, and events.
fn written(fixture: &Fixture) -> (Vec<domain::User>, usize) {
    (fixture.backend.users(), fixture.backend.outbox().len())
}

#[cfg(test)]
mod tests;
