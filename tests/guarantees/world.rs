//! A deployment in memory: clients, the stream, the bus and the mail service around the functions.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    sync::Arc,
    time::Duration,
};

use local::template::Model;
use serde_json::json;
use shared::domain::{OneTimeToken, TokenPurpose, mail::MailGuarantee};
use testing::{Answer, FakeBackend, PASSWORD, TestRequest};

use crate::{
    deliveries::Progress,
    functions::{Endpoints, Observers},
    template,
    trials::Trials,
};

/// How events and reports of mails travel.
#[expect(clippy::struct_excessive_bools, reason = "each stands alone")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Travel {
    pub(crate) name: &'static str,
    /// Every record, event and report comes twice.
    pub(crate) twice: bool,
    /// The bus refuses most of each batch until the relay gives up.
    pub(crate) throttled: bool,
    /// Nothing is delivered before somebody waits for a mail, or all is over.
    pub(crate) delayed: bool,
    /// The newest of what waits is delivered first.
    pub(crate) newest_first: bool,
    /// The mail service reports a mail before anything else happens, or after all else did.
    pub(crate) reports_first: bool,
    pub(crate) guarantee: MailGuarantee,
}

/// Times that anything is tried: one fault, and what a held lease costs.
pub(crate) const ATTEMPTS: u32 = 6;

/// A client's pause before a request, also one that had no answer.
pub(crate) const CLIENT_PAUSE: Duration = Duration::from_secs(1);

/// Lambda's pause before it repeats an event. Longer than any lease.
pub(crate) const LAMBDA_PAUSE: Duration = Duration::from_mins(1);

/// What is deployed, and how events travel in it.
pub(crate) struct Deployment<'a> {
    pub(crate) travel: Travel,
    pub(crate) model: &'a Model,
    pub(crate) endpoints: Endpoints,
    pub(crate) observers: Observers,
    /// Functions that did something.
    pub(crate) worked: RefCell<BTreeSet<String>>,
}

/// A deployment at one moment.
pub(crate) struct World<'a> {
    pub(crate) deployment: &'a Deployment<'a>,
    pub(crate) backend: Arc<FakeBackend>,
    /// Where each step is tried with every fault, before it is taken.
    trials: Option<&'a Trials>,
    pub(crate) progress: RefCell<Progress>,
    /// Tokens that somebody took out of a mail.
    used: RefCell<Vec<String>>,
    /// Whether a link never came, which ends a life.
    pub(crate) is_stranded: Cell<bool>,
}

/// What a client sends, and what the answer may be.
struct Step<'a, F> {
    route: &'a str,
    build: F,
    /// The status of an answer that is no problem, or status and code of one.
    expected: (u16, &'a str),
    /// Answers to a repetition.
    again: &'a [(u16, &'a str)],
}

impl<'a> World<'a> {
    pub(crate) fn new(deployment: &'a Deployment<'a>, trials: Option<&'a Trials>) -> Self {
        Self {
            deployment,
            backend: FakeBackend::new(),
            trials,
            progress: RefCell::default(),
            used: RefCell::default(),
            is_stranded: Cell::new(false),
        }
    }

    /// The same, with a future of its own.
    fn fork(&self) -> Self {
        Self {
            deployment: self.deployment,
            backend: self.backend.fork(),
            trials: None,
            progress: self.progress.clone(),
            used: self.used.clone(),
            is_stranded: self.is_stranded.clone(),
        }
    }

    pub(crate) fn travel(&self) -> Travel {
        self.deployment.travel
    }

    /// A client sends the request that `build` makes of an empty one until it has an answer, and then
    /// everything that follows happens. The answer has the status `success`; that to a repetition may
    /// also be one of `again`.
    pub(crate) async fn accepted(
        &self,
        route: &str,
        success: u16,
        again: &[(u16, &str)],
        build: impl Fn(TestRequest) -> TestRequest,
    ) -> Answer {
        let step = Step {
            route,
            build,
            expected: (success, ""),
            again,
        };
        self.take(&step).await
    }

    /// A client sends a request, which is refused: nothing is written that would be published.
    pub(crate) async fn refused(
        &self,
        route: &str,
        problem: (u16, &str),
        build: impl Fn(TestRequest) -> TestRequest,
    ) {
        let step = Step {
            route,
            build,
            expected: problem,
            again: &[],
        };
        self.take(&step).await;
    }

    /// Tries a step with every fault, and then takes it.
    async fn take<F: Fn(TestRequest) -> TestRequest>(&self, step: &Step<'_, F>) -> Answer {
        if let Some(trials) = self.trials {
            let fork = || self.fork();
            let try_it = async |world: &World<'_>| {
                world.send_until_answered(step).await;
                world.settle().await;
            };
            trials.try_every_fault(step.route, fork, try_it).await;
        }
        let answer = self.send_until_answered(step).await;
        if !self.travel().delayed {
            self.settle().await;
        }
        answer
    }

    async fn send_until_answered<F: Fn(TestRequest) -> TestRequest>(
        &self,
        step: &Step<'_, F>,
    ) -> Answer {
        let before = self.backend.outbox_from(0).len();
        let (answer, attempts) = self.answer(step.route, &step.build).await;
        let (route, expected) = (step.route, step.expected);
        let is_known = attempts > 1 && step.again.contains(&answer.problem());
        let is_expected = answer.problem() == expected;
        let trace = self.backend.trace();
        assert!(
            is_expected || is_known,
            "{route}: {answer:?} after {trace:?}"
        );
        if !expected.1.is_empty() {
            let after = self.backend.outbox_from(0).len();
            assert_eq!(after, before, "{route} is refused, and makes an event");
        }
        answer
    }

    /// The answer, and to how many attempts.
    pub(crate) async fn answer(
        &self,
        route: &str,
        build: impl Fn(TestRequest) -> TestRequest,
    ) -> (Answer, u32) {
        let (method, path) = route.split_once(' ').expect("a method and a path");
        let function = template::function_of(self.deployment.model, method, path);
        let endpoint = self.deployment.endpoints.get(function);
        let endpoint = endpoint.unwrap_or_else(|| panic!("{function} is not wired"));
        self.note(function);
        for attempt in 1..=ATTEMPTS {
            self.backend.advance(CLIENT_PAUSE);
            let request = build(TestRequest::new(method, path));
            let answer = endpoint.answer(&self.backend, request);
            match self.backend.run(answer).await {
                Some(answer) if answer.body["code"] == "still-running" => {
                    self.backend.advance(LAMBDA_PAUSE);
                }
                Some(answer) if answer.status < 500 => return (answer, attempt),
                _ => {}
            }
        }
        panic!("{route}: no answer to {ATTEMPTS} attempts");
    }

    pub(crate) fn note(&self, function: &str) {
        let mut worked = self.deployment.worked.borrow_mut();
        if !worked.contains(function) {
            worked.insert(function.to_owned());
        }
    }

    /// The token in the newest mail to `email` with a link of this purpose, waiting for it. None if the
    /// mail was lost, which only the guarantee `never-twice` allows.
    pub(crate) async fn link(&self, purpose: TokenPurpose, email: &str) -> Option<String> {
        self.settle().await;
        let inbox = self.backend.inbox().into_iter().rev();
        let mut links = inbox
            .filter(|mail| mail.to.as_str() == email)
            .filter_map(|mail| {
                let (_, rest) = mail.text.split_once("#token=")?;
                let token = rest.split(|c: char| c == '&' || c.is_whitespace()).next()?;
                Some(token.to_owned())
            });
        let mut used = self.used.borrow_mut();
        let token = links.find(|text| {
            let token: Result<OneTimeToken, _> = text.parse();
            token.is_ok_and(|token| token.purpose == purpose) && !used.contains(text)
        });
        if let Some(token) = &token {
            used.push(token.clone());
        } else {
            let may_be_lost = self.travel().guarantee == MailGuarantee::NeverTwice;
            assert!(may_be_lost, "no link for {purpose:?} to {email}");
            self.is_stranded.set(true);
        }
        token
    }

    /// The access and refresh token of a new session.
    pub(crate) async fn sign_in(&self, email: &str, password: &str) -> (String, String) {
        let credentials = json!({"email": email, "password": password});
        let post = |request: TestRequest| request.json(&credentials);
        let answer = self.accepted("POST /sessions", 201, &[], post).await;
        let token = |name: &str| answer.body[name].as_str().expect("a token").to_owned();
        (token("accessToken"), token("refreshToken"))
    }

    /// The id of a new user called Ann Example, whose address nobody has proven.
    pub(crate) async fn sign_up(&self, email: &str) -> String {
        let body = json!({"email": email, "name": "Ann Example", "password": PASSWORD});
        let post = |request: TestRequest| request.header("idempotency-key", email).json(&body);
        let answer = self.accepted("POST /users", 201, &[], post).await;
        answer.body["id"].as_str().expect("an id").to_owned()
    }
}
