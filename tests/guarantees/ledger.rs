//! The mail ledger under every interleaving: two workers with one event, one of which may die or lose an
//! answer at each call, leases that run out, and the mail service that reports early, late, twice or never.
//!
//! Both sides are the real code: the observers `on-user-created` and `record-mail` with all that is below
//! them, over leases that keep the contract of the table's. The model chooses who goes on and what goes
//! wrong.

mod state;
mod worker;

use std::{sync::Arc, time::Duration};

use futures::FutureExt as _;
use serde_json::json;
use shared::{
    application::{
        mail::CLAIM_TAG,
        ports::{Claimed, Leases as _, Mailer as _, SendOutcome},
    },
    domain::{mail::MailGuarantee, user::Standing},
};
use stateright::{Checker as _, Model, Property};
use testing::FakeBackend;

use self::{
    state::State,
    worker::{Call, Next, Reply, Workers},
};
use crate::functions::REMAINING;

/// Times that the event comes, to either worker.
const DELIVERIES: u8 = 4;
/// Things that go wrong, of all kinds together.
const FAULTS: u8 = 3;
/// Times that leases run out.
const EXPIRIES: u8 = 3;
/// Reports of the mail service.
const REPORTS: u8 = 2;

struct Ledger {
    guarantee: MailGuarantee,
    /// Workers go on after their deadline, which Lambda does not let them.
    outlive_deadlines: bool,
    workers: Workers,
    backend: Arc<FakeBackend>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Action {
    /// The event comes to this worker.
    Deliver(usize),
    /// The next call of this worker has its effect, and the worker its answer.
    Call(usize),
    /// It has its effect, and the worker gets an error.
    LoseReply(usize),
    /// It has no effect, and the worker gets an error.
    Fail(usize),
    /// The mail service refuses the mail.
    Refuse(usize),
    /// The process ends before its next call.
    Die(usize),
    /// Time passes, until every lease has run out and every deadline is over.
    Wait,
    /// The mail service's event about the mail comes.
    Report,
}

impl Ledger {
    fn new(guarantee: MailGuarantee, outlive_deadlines: bool) -> Self {
        let backend = FakeBackend::new();
        let ann = backend.add_unproven("ann@example.com", Standing::Provisional);
        ann.now_or_never().expect("memory does not wait");
        Self {
            guarantee,
            outlive_deadlines,
            workers: Workers::new(backend.clone(), guarantee),
            backend,
        }
    }

    /// The next call of a worker.
    fn call(&self, state: &State, worker: usize) -> Option<Call> {
        match self.workers.next(state.workers[worker].as_ref()?) {
            Next::Calls(call) => Some(call),
            Next::Ends(_) => None,
        }
    }

    /// The worker gets a reply, and ends if it has nothing left to do.
    fn answer(&self, state: &mut State, worker: usize, reply: Reply) {
        let replies = state.workers[worker]
            .as_mut()
            .expect("a worker with an event");
        replies.push(reply);
        if let Next::Ends(outcome) = self.workers.next(replies) {
            state.acknowledged |= outcome.is_ok();
            state.end(worker);
        }
    }
}

/// The effect of a call.
fn carry_out(state: &mut State, call: Call) -> Reply {
    fn done<T>(outcome: impl Future<Output = shared::domain::Result<T>>) -> T {
        let outcome = outcome.now_or_never().expect("memory does not wait");
        outcome.expect("no fault is due")
    }
    let (backend, was_known) = (&state.backend, state.outcome().is_some());
    match call {
        Call::Claim(key, options) => {
            let claimed = done(backend.claim(&key, &options));
            state.key = Some(key);
            state.won_after_done |= was_known && matches!(claimed, Claimed::Won(_));
            Reply::Claimed(claimed)
        }
        Call::Send(mail, key) => Reply::Sent(done(backend.send(&mail, &key))),
        Call::Settle(lease, result) => Reply::Settled(done(backend.settle(&lease, &result))),
        Call::Release(lease) => {
            done(backend.release(&lease));
            Reply::Released
        }
    }
}

/// The mail service tells of the mail.
fn report(state: &State) {
    let service = record_mail::record_mail::RecordMail {
        leases: state.backend.clone(),
        mailboxes: state.backend.clone(),
    };
    let key = state.key.as_ref().expect("a mail that left");
    let tags = json!({CLAIM_TAG: [key.key]});
    let detail = json!({"eventType": "Send", "mail": {"tags": tags}});
    let handled = record_mail::handler::handle(&service, detail).now_or_never();
    handled
        .expect("memory does not wait")
        .expect("no fault is due");
}

impl Model for Ledger {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            backend: self.backend.fork(),
            workers: [None, None],
            key: None,
            deliveries: DELIVERIES,
            faults: FAULTS,
            expiries: EXPIRIES,
            reports: REPORTS,
            acknowledged: false,
            unnoted: 0,
            won_after_done: false,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for worker in 0..state.workers.len() {
            let Some(call) = self.call(state, worker) else {
                if state.deliveries > 0 {
                    actions.push(Action::Deliver(worker));
                }
                continue;
            };
            actions.push(Action::Call(worker));
            if state.faults > 0 {
                actions.extend([
                    Action::LoseReply(worker),
                    Action::Fail(worker),
                    Action::Die(worker),
                ]);
                if matches!(call, Call::Send(..)) {
                    actions.push(Action::Refuse(worker));
                }
            }
        }
        if state.expiries > 0 {
            actions.push(Action::Wait);
        }
        if state.reports > 0 && state.sent() > 0 {
            actions.push(Action::Report);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = State {
            backend: last.backend.fork(),
            ..last.clone()
        };
        match action {
            Action::Deliver(worker) => {
                state.deliveries -= 1;
                state.workers[worker] = Some(Vec::new());
            }
            Action::Call(worker) => {
                let call = self.call(&state, worker)?;
                let reply = carry_out(&mut state, call);
                self.answer(&mut state, worker, reply);
            }
            Action::LoseReply(worker) => {
                state.faults -= 1;
                let call = self.call(&state, worker)?;
                let is_mail = matches!(call, Call::Send(..));
                carry_out(&mut state, call);
                self.answer(&mut state, worker, Reply::Lost);
                if is_mail && state.outcome().is_none() {
                    state.unnoted += 1;
                }
            }
            Action::Fail(worker) => {
                state.faults -= 1;
                self.answer(&mut state, worker, Reply::Lost);
            }
            Action::Refuse(worker) => {
                state.faults -= 1;
                let refused = SendOutcome::Refused("the model does".to_owned());
                self.answer(&mut state, worker, Reply::Sent(refused));
            }
            Action::Die(worker) => {
                state.faults -= 1;
                state.end(worker);
            }
            Action::Wait => {
                state.expiries -= 1;
                state.backend.advance(REMAINING + Duration::from_secs(2));
                if !self.outlive_deadlines {
                    for worker in 0..state.workers.len() {
                        state.end(worker);
                    }
                }
            }
            Action::Report => {
                state.reports -= 1;
                report(&state);
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut all = vec![
            Property::always("nobody sends what is known", |_, state: &State| {
                !state.won_after_done
            }),
            Property::always("what the ledger calls sent was sent", |_, state: &State| {
                state.outcome().is_none_or(|outcome| outcome != "sent") || state.sent() > 0
            }),
            Property::sometimes(
                "a mail is reported by the mail service alone",
                |_, state: &State| {
                    state.reports < REPORTS && !state.acknowledged && state.outcome().is_some()
                },
            ),
        ];
        match self.guarantee {
            MailGuarantee::NeverTwice => all.extend([
                Property::always("never twice", |_, state: &State| state.sent() <= 1),
                Property::sometimes("a mail is lost", |_, state: &State| {
                    state.outcome().is_some_and(|outcome| outcome == "unknown") && state.sent() == 0
                }),
            ]),
            MailGuarantee::NeverLost => all.extend([
                Property::always("never lost", |_, state: &State| {
                    !state.acknowledged || state.sent() > 0
                }),
                Property::always("twice only if nobody could know", |_, state: &State| {
                    state.sent() <= 1 + state.unnoted
                }),
                Property::sometimes("a mail goes twice", |_, state: &State| state.sent() > 1),
            ]),
        }
        all
    }
}

fn check(guarantee: MailGuarantee, outlive_deadlines: bool) {
    let ledger = Ledger::new(guarantee, outlive_deadlines);
    let checker = ledger.checker().spawn_bfs().join();
    println!(
        "{guarantee:?}, deadlines {}: {} states, {} steps deep",
        if outlive_deadlines {
            "not kept"
        } else {
            "kept"
        },
        checker.unique_state_count(),
        checker.max_depth(),
    );
    checker.assert_properties();
}

#[test]
fn a_mail_is_never_lost_and_goes_twice_in_the_window_alone() {
    check(MailGuarantee::NeverLost, false);
}

#[test]
fn a_mail_never_goes_twice() {
    check(MailGuarantee::NeverTwice, false);
}

/// The fence alone keeps the promise, whatever the clocks of workers say.
#[test]
fn a_mail_never_goes_twice_even_if_workers_outlive_their_deadlines() {
    check(MailGuarantee::NeverTwice, true);
}
