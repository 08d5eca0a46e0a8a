//! Holds every request and every answer of every test against `openapi.yaml`, and notes which
//! documented answers came.

mod coverage;
mod document;
mod message;

use std::sync::LazyLock;

use reqwest::{Request, header::HeaderMap};

use self::{coverage::Coverage, message::Side};
pub use self::{
    coverage::verdict,
    document::{Contract, Found, NOBODY, Operation, SERVICE},
};
use crate::support::Answer;

static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::read);
static COVERAGE: LazyLock<Coverage> = LazyLock::new(Coverage::default);

/// By these a function refuses a request that is wrong by itself, or may be: nothing is said of the
/// request then. Whatever else it answers, it took the request for a good one.
const REFUSED: [u16; 8] = [400, 401, 403, 404, 405, 413, 415, 422];

/// `openapi.yaml`.
pub fn contract() -> &'static Contract {
    &CONTRACT
}

/// A request, as it was sent.
pub struct Sent {
    method: reqwest::Method,
    url: reqwest::Url,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Sent {
    pub fn of(request: &Request) -> Self {
        let body = request.body().map(|body| body.as_bytes().unwrap());
        Self {
            method: request.method().clone(),
            url: request.url().clone(),
            headers: request.headers().clone(),
            body: body.unwrap_or_default().to_vec(),
        }
    }
}

/// Panics unless both are as the contract says. `text` is the body of the answer.
pub fn hold(sent: &Sent, answer: &Answer, text: &str) {
    let status = answer.status.as_u16();
    let is_head = sent.method == reqwest::Method::HEAD;
    let method = if is_head {
        &reqwest::Method::GET
    } else {
        &sent.method
    };
    let found = contract().find(method, sent.url.path());
    let mut wrong = Vec::new();
    match contract().response(&found, status) {
        Some(_) if is_head => {
            if !text.is_empty() {
                wrong.push("the answer to HEAD has a body".to_owned());
            }
        }
        Some((response, key)) => {
            message::check_answer(contract(), response, answer, text, &mut wrong);
            COVERAGE.note(key);
        }
        None => wrong.push("the answer has a status that is not documented".to_owned()),
    }
    if let Found::Operation(operation) = &found
        && !REFUSED.contains(&status)
    {
        message::check_request(contract(), operation, sent, &mut wrong);
    }
    assert!(
        wrong.is_empty(),
        "{found} breaks openapi.yaml: {} {} -> {status}\n- {}\nsent: {}\nanswered: {:?} {text}",
        sent.method,
        sent.url,
        wrong.join("\n- "),
        String::from_utf8_lossy(&sent.body),
        answer.headers,
    );
}
