//! A deployment in memory: clients, the stream, the bus and the mail service around the functions.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use local::template::Model;
use serde_json::{Value, json};
use shared::{
    application::{mail::CLAIM_TAG, ports::Handled},
    domain::{DomainEvent, OneTimeToken, TokenPurpose, mail::MailGuarantee},
    lambda::relay::relay_batch,
};
use testing::{Answer, FakeBackend, PASSWORD, TestRequest};

use crate::{
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

/// An event on its way to an observer.
#[derive(Clone)]
struct Delivery {
    function: String,
    detail: Value,
    attempts: u32,
    is_report: bool,
}

/// How far everything is.
#[derive(Clone, Default)]
struct Progress {
    /// Events of the outbox which the relay is done with.
    relayed: usize,
    /// The batch that the bus refused last.
    refused: Option<usize>,
    /// Events which the bus has handed to its rules.
    routed: usize,
    /// Mails which the mail service has reported.
    reported: usize,
    /// Messages which the queue for other services has handed out.
    taken: usize,
    waiting: VecDeque<Delivery>,
    /// Messages that the function put back: they come with the next thing that happens.
    put_back: Vec<Delivery>,
}

/// Times that anything is tried: one fault, and what a held lease costs.
const ATTEMPTS: u32 = 6;

/// A client's pause before a request, also one that had no answer.
const CLIENT_PAUSE: Duration = Duration::from_secs(1);

/// Lambda's pause before it repeats an event. Longer than any lease.
const LAMBDA_PAUSE: Duration = Duration::from_mins(1);

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
    progress: RefCell<Progress>,
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

    fn note(&self, function: &str) {
        let mut worked = self.deployment.worked.borrow_mut();
        if !worked.contains(function) {
            worked.insert(function.to_owned());
        }
    }

    /// Everything is relayed, delivered and reported.
    pub(crate) async fn settle(&self) {
        {
            let mut progress = self.progress.borrow_mut();
            let put_back = std::mem::take(&mut progress.put_back);
            progress.waiting.extend(put_back);
        }
        for attempt in 1.. {
            assert!(attempt < 10_000, "it does not come to rest");
            self.relay().await;
            self.route();
            let Some(delivery) = self.next() else {
                let relayed = self.progress.borrow().relayed;
                if self.backend.outbox_from(relayed).is_empty() {
                    return;
                }
                continue;
            };
            self.deliver(delivery).await;
        }
    }

    /// The streams forget what was not relayed yet.
    pub(crate) fn forget_streams(&self) {
        self.progress.borrow_mut().relayed = self.backend.outbox_from(0).len();
    }

    /// One invocation of the relay with all that is new in the streams.
    async fn relay(&self) {
        let from = self.progress.borrow().relayed;
        let events = self.backend.outbox_from(from);
        if events.is_empty() {
            return;
        }
        self.note("PublishEvents");
        let publish = publish_events::publish_events::PublishEvents {
            bus: self.backend.clone(),
            env: self.backend.env(),
        };
        let batch = async || {
            let records = events.iter().zip(from..);
            let records: Vec<Value> = records.map(|(event, at)| record(at, event)).collect();
            let records = serde_json::from_value(json!(records)).expect("records");
            let publish = async |events: Vec<DomainEvent>| publish.execute(&events).await;
            let relayed = relay_batch(&*self.backend, records, publish).await;
            relayed.response
        };
        if self.travel().twice {
            // Whatever it says, the stream brings the batch again.
            let _ = self.backend.run(batch()).await;
        }
        if self.travel().throttled && self.progress.borrow_mut().refused.replace(from) != Some(from)
        {
            // More than half of it, three times.
            self.backend
                .refuse_events(3 * events.len() - events.len() / 2);
        }
        let answer = self.backend.run(batch()).await;
        self.backend.refuse_events(0);
        let relayed = match &answer {
            None => from,
            Some(answer) => match answer.batch_item_failures.first() {
                None => from + events.len(),
                Some(failure) => {
                    let failed = failure.item_identifier.as_deref();
                    failed.and_then(|at| at.parse().ok()).expect("a position")
                }
            },
        };
        self.progress.borrow_mut().relayed = relayed;
        if relayed < from + events.len() {
            self.backend.advance(CLIENT_PAUSE);
        }
    }

    /// What the bus accepted goes to the rules, and so does what the mail service reports.
    fn route(&self) {
        let mut progress = self.progress.borrow_mut();
        for event in self.backend.published_from(progress.routed) {
            progress.routed += 1;
            let detail = event.to_cloud_event();
            self.send(&mut progress, "roster", &event.kind.to_string(), &detail);
        }
        for (mail, lease) in self.backend.mails_from(progress.reported) {
            progress.reported += 1;
            let about = json!({"tags": {CLAIM_TAG: [lease.key]}, "destination": [mail.to]});
            let sent = json!({"eventType": "Send", "mail": about});
            self.send(&mut progress, "aws.ses", "Email Sent", &sent);
            let delivered = json!({
                "eventType": "Delivery",
                "mail": about,
                "delivery": {"timestamp": "2026-01-01T00:00:00.000Z"},
            });
            self.send(&mut progress, "aws.ses", "Email Delivered", &delivered);
        }
        for queued in self.backend.queued_from(progress.taken) {
            progress.taken += 1;
            for mapping in &self.deployment.model.queue_mappings {
                self.hand_over(&mut progress, &mapping.function, &json!(queued), false);
            }
        }
    }

    fn send(&self, progress: &mut Progress, source: &str, kind: &str, detail: &Value) {
        for function in template::observers_of(self.deployment.model, source, kind, detail) {
            self.hand_over(progress, &function, detail, source != "roster");
        }
    }

    fn hand_over(&self, progress: &mut Progress, function: &str, detail: &Value, is_report: bool) {
        for _ in 0..=u32::from(self.travel().twice) {
            progress.waiting.push_back(Delivery {
                function: function.to_owned(),
                detail: detail.clone(),
                attempts: 0,
                is_report,
            });
        }
    }

    fn next(&self) -> Option<Delivery> {
        let waiting = &mut self.progress.borrow_mut().waiting;
        let preferred = |delivery: &Delivery| delivery.is_report == self.travel().reports_first;
        let place = if self.travel().newest_first {
            waiting.iter().rposition(preferred)
        } else {
            waiting.iter().position(preferred)
        };
        waiting.remove(place.unwrap_or(0))
    }

    /// One invocation of an observer. What fails comes again, after all else.
    async fn deliver(&self, delivery: Delivery) {
        let Delivery {
            function,
            detail,
            attempts,
            is_report,
        } = delivery;
        self.note(&function);
        let observer = self.deployment.observers.get(function.as_str());
        let observer = observer.unwrap_or_else(|| panic!("{function} is not wired"));
        let observed = observer(&self.backend, detail.clone());
        let outcome = self.backend.run(observed).await;
        if let Some(Ok(Handled::Done)) = outcome {
            return;
        }
        assert!(attempts < ATTEMPTS, "{function}: {detail}: {outcome:?}");
        let again = Delivery {
            function,
            detail,
            attempts: attempts + 1,
            is_report,
        };
        let progress = &mut self.progress.borrow_mut();
        if let Some(Ok(Handled::Later)) = outcome {
            progress.put_back.push(again);
        } else {
            self.backend.advance(LAMBDA_PAUSE);
            progress.waiting.push_back(again);
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

/// What the stream of a table says of a write with `event`.
fn record(at: usize, event: &DomainEvent) -> Value {
    let (keys, image) = if let Some((user, version)) = event.user_id.zip(event.version) {
        let sort_key = format!("EVENT#{:012}", version.get());
        (
            json!({"pk": {"S": format!("USER#{user}")}, "sk": {"S": sort_key}}),
            json!({}),
        )
    } else {
        let item: serde_dynamo::Item =
            serde_dynamo::to_item(json!({"event": event})).expect("an item");
        (
            json!({"pk": {"S": "ITEM"}, "sk": {"S": "ITEM"}}),
            json!(item),
        )
    };
    json!({
        "awsRegion": "eu-central-1",
        "eventID": at.to_string(),
        "eventName": "INSERT",
        "dynamodb": {
            "Keys": keys,
            "NewImage": image,
            "SequenceNumber": at.to_string(),
            "SizeBytes": 1,
        },
    })
}
