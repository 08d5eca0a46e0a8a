//! The real observer, one call at a time.
//!
//! What a worker does next depends on the answers it got so far, and on nothing else: so the observer is run
//! anew with those answers, up to the first call without one. That call is what the model lets happen or go
//! wrong. Ports which the ledger does not decide by (limits, links, the user) answer at once.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use futures::FutureExt as _;
use serde_json::Value;
use shared::{
    application::{
        mail::{MailLedger, MailService},
        ports::{Claimed, Lease, LeaseKey, LeaseOptions, Leases, Mailer, SendOutcome},
    },
    domain::{
        DomainEvent, Error, Result,
        mail::{Mail, MailGuarantee},
    },
};
use testing::FakeBackend;

use crate::functions::REMAINING;

/// A call of the ledger.
#[derive(Debug, Clone)]
pub(super) enum Call {
    Claim(LeaseKey, LeaseOptions),
    Send(Mail, LeaseKey),
    Settle(Lease, Value),
    Release(Lease),
}

/// The answer to a call.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    Claimed(Claimed),
    Sent(SendOutcome),
    Settled(bool),
    Released,
    /// An error: the caller does not know what happened.
    Lost,
}

/// What a worker does after the answers so far.
#[derive(Debug, Clone)]
pub(super) enum Next {
    Calls(Call),
    /// The event is dealt with, or has to come again.
    Ends(std::result::Result<(), String>),
}

/// What workers do, by the answers so far.
pub(super) struct Workers {
    backend: Arc<FakeBackend>,
    event: DomainEvent,
    guarantee: MailGuarantee,
    known: Mutex<HashMap<String, Next>>,
}

impl Workers {
    /// Workers that welcome the newest user of `backend`.
    pub(super) fn new(backend: Arc<FakeBackend>, guarantee: MailGuarantee) -> Self {
        let event = backend.outbox().pop().expect("a user");
        Self {
            backend,
            event,
            guarantee,
            known: Mutex::default(),
        }
    }

    pub(super) fn next(&self, replies: &[Reply]) -> Next {
        let key = format!("{replies:?}");
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(next) = known().get(&key) {
            return next.clone();
        }
        let next = self.run(replies);
        known().insert(key, next.clone());
        next
    }

    fn run(&self, replies: &[Reply]) -> Next {
        let script = Arc::new(Script {
            replies: Mutex::new(replies.iter().cloned().collect()),
            pending: Mutex::default(),
        });
        let backend = self.backend.fork();
        let observer = on_user_created::on_user_created::OnUserCreated {
            users: backend.clone(),
            mail_service: MailService {
                ledger: MailLedger {
                    leases: script.clone(),
                    mailer: script.clone(),
                    guarantee: self.guarantee,
                },
                ..backend.mail_service(self.guarantee)
            },
        };
        let outcome = observer.execute(&self.event, REMAINING).now_or_never();
        let pending = script
            .pending
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match (outcome, pending.clone()) {
            (None, Some(call)) => Next::Calls(call),
            (Some(outcome), None) => Next::Ends(outcome.map_err(|error| error.to_string())),
            (outcome, call) => panic!("{outcome:?}, {call:?}"),
        }
    }
}

/// Answers calls from a list; the first that is not in it stays without an answer.
struct Script {
    replies: Mutex<VecDeque<Reply>>,
    pending: Mutex<Option<Call>>,
}

impl Script {
    async fn reply(&self, call: Call) -> Result<Reply> {
        let reply = self.replies.lock().expect("one thread").pop_front();
        match reply {
            Some(Reply::Lost) => Err(Error::internal("the model loses the reply")),
            Some(reply) => Ok(reply),
            None => {
                *self.pending.lock().expect("one thread") = Some(call);
                std::future::pending().await
            }
        }
    }
}

/// The reply of this kind; another one would mean that the observer is not a function of its answers.
macro_rules! expect {
    ($reply:expr, $pattern:pat => $value:expr) => {
        match $reply {
            $pattern => Ok($value),
            other => panic!("{other:?}"),
        }
    };
}

#[async_trait]
impl Leases for Script {
    async fn exists(&self, _: &LeaseKey) -> Result<bool> {
        panic!("the ledger does not ask")
    }

    async fn claim(&self, key: &LeaseKey, options: &LeaseOptions) -> Result<Claimed> {
        let reply = self
            .reply(Call::Claim(key.clone(), options.clone()))
            .await?;
        expect!(reply, Reply::Claimed(claimed) => claimed)
    }

    async fn settle(&self, lease: &Lease, result: &Value) -> Result<bool> {
        let reply = self
            .reply(Call::Settle(lease.clone(), result.clone()))
            .await?;
        expect!(reply, Reply::Settled(settled) => settled)
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        let reply = self.reply(Call::Release(lease.clone())).await?;
        expect!(reply, Reply::Released => ())
    }

    async fn witness(&self, _: &LeaseKey, _: &Value) -> Result<bool> {
        panic!("the observer of the mail service alone is a witness")
    }
}

#[async_trait]
impl Mailer for Script {
    async fn send(&self, mail: &Mail, lease: &LeaseKey) -> Result<SendOutcome> {
        let reply = self.reply(Call::Send(mail.clone(), lease.clone())).await?;
        expect!(reply, Reply::Sent(outcome) => outcome)
    }
}
