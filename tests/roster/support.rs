//! The stack under test, and what a client does with it.

use std::{
    future::Future,
    net::IpAddr,
    path::PathBuf,
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use cli::{
    Admin, first_administrator,
    local::{HEALTH, parameters as required},
};
use local::{
    compile::{self, Build, Executables},
    journal::{Happening, Mail},
    ssm::Secrets,
    stack::{Functions, Options, Running, Stack},
};
use reqwest::{Client, Method, RequestBuilder, StatusCode, header::HeaderMap};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{
    contract::{self, Sent},
    policies::assert_permitted,
};

/// A password that satisfies the policy.
pub const PASSWORD: &str = "correct horse battery staple";

/// The administrator of every stack.
pub const ADMIN: &str = "admin@example.com";

/// All of a run's clients share one address, which is not what limits are made for; the tests of
/// limits set their own.
/// And what is changed is asked for at once.
const PARAMETERS: [(&str, &str); 10] = [
    ("AccessLagSeconds", "0"),
    ("SignInAttemptsPerSource", "100000"),
    ("SignInsPerUser", "100000"),
    ("RefreshesPerSession", "100000"),
    ("SignUpsPerSource", "100000"),
    ("MailsPerAddress", "100"),
    ("MailIntervalSeconds", "0"),
    ("MailsPerAsker", "100000"),
    ("MailsPerHour", "100000"),
    // Where the receivers of tests are.
    ("ServiceNetworks", "127.0.0.0/8"),
];

/// No single wait in a test takes longer, unless something is broken.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Half as long as an access token is good: on a busy machine all tests take longer than that.
const RENEWED_AFTER: Duration = Duration::from_mins(5);

/// A running stack with a client.
pub struct Roster {
    /// The stack.
    pub stack: Running,
    client: Client,
    admin: tokio::sync::Mutex<Option<(Instant, String)>>,
}

/// An answer, read.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    /// Status and problem code.
    pub fn problem(&self) -> (u16, &str) {
        (
            self.status.as_u16(),
            self.body["code"].as_str().unwrap_or_default(),
        )
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

static EXECUTABLES: LazyLock<Executables> = LazyLock::new(|| {
    let build = Build {
        with_tests: true,
        ..Build::default()
    };
    RUNTIME
        .block_on(compile::build(template().parent().unwrap(), build))
        .unwrap()
});

static SHARED: LazyLock<Roster> = LazyLock::new(|| {
    LazyLock::force(&EXECUTABLES);
    RUNTIME.block_on(Roster::start(&[], Secrets::new()))
});

/// The program of a function, by the name of its binary.
pub fn executable(binary: &str) -> PathBuf {
    EXECUTABLES[binary].clone()
}

pub fn template() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../template.yaml")
}

/// Runs a test on the shared stack.
pub fn on_shared_stack(test: impl AsyncFnOnce(&Roster)) {
    let roster = LazyLock::force(&SHARED);
    RUNTIME.block_on(async {
        test(roster).await;
        roster.assert_nothing_left_over().await;
    });
}

/// Runs a test on a stack of its own, with values for the template's parameters.
pub fn on_own_stack(parameters: &[(&str, &str)], test: impl AsyncFnOnce(&Roster)) {
    on_own_stack_with(parameters, Secrets::new(), test);
}

/// The same with secrets in the Parameter Store.
pub fn on_own_stack_with(
    parameters: &[(&str, &str)],
    secrets: Secrets,
    test: impl AsyncFnOnce(&Roster),
) {
    on_stack(Roster::start(parameters, secrets), test);
}

/// Runs a test on a stack of its own which was deployed just now: it has no administrator.
pub fn on_new_stack(parameters: &[(&str, &str)], test: impl AsyncFnOnce(&Roster)) {
    on_stack(Roster::deploy(parameters, Secrets::new()), test);
}

fn on_stack(start: impl Future<Output = Roster>, test: impl AsyncFnOnce(&Roster)) {
    LazyLock::force(&EXECUTABLES);
    RUNTIME.block_on(async {
        let roster = start.await;
        test(&roster).await;
        roster.assert_nothing_left_over().await;
        roster.stack.stop().await;
    });
}

/// An address nobody else uses.
pub fn unique_email(who: &str) -> String {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    format!("{who}{}@example.com", NUMBER.fetch_add(1, Ordering::SeqCst))
}

/// Waits, but not for ever.
pub async fn patiently<T>(what: &str, wait: impl Future<Output = T>) -> T {
    let outcome = tokio::time::timeout(PATIENCE, wait).await;
    outcome.unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}"))
}

impl Roster {
    async fn start(parameters: &[(&str, &str)], secrets: Secrets) -> Self {
        let roster = Self::deploy(parameters, secrets).await;
        let admin = Admin {
            email: ADMIN.to_owned(),
            password: PASSWORD.to_owned(),
        };
        let made = first_administrator(&roster.stack, &admin).await;
        assert!(made.unwrap());
        roster
    }

    async fn deploy(parameters: &[(&str, &str)], secrets: Secrets) -> Self {
        let chosen = PARAMETERS.iter().chain(parameters);
        let chosen = chosen.map(|&(name, value)| (name.to_owned(), value.to_owned()));
        let options = Options {
            template: template(),
            parameters: required().into_iter().chain(chosen).collect(),
            secrets,
            functions: Functions::Built(EXECUTABLES.clone()),
            ..Options::default()
        };
        let stack = Stack::start(options).await.unwrap();
        stack.ready(HEALTH).await.unwrap();
        Self {
            stack,
            client: Client::new(),
            admin: tokio::sync::Mutex::default(),
        }
    }

    /// A request to the API.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.stack.api_url))
    }

    /// Sends a request and reads its answer. Both must be as `openapi.yaml` says.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        self.execute(request.build().unwrap()).await
    }

    /// The same of a request that is made already.
    pub async fn execute(&self, request: reqwest::Request) -> Answer {
        self.execute_by(&self.client, request).await
    }

    async fn execute_by(&self, client: &Client, request: reqwest::Request) -> Answer {
        let sent = Sent::of(&request);
        let response = patiently("an answer", client.execute(request)).await;
        let response = response.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        let answer = Answer {
            status,
            headers,
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
        };
        contract::hold(&sent, &answer, &text);
        answer
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// The same from another client address than all other requests.
    pub async fn post_from_elsewhere(&self, path: &str, body: &Value) -> Answer {
        let elsewhere = IpAddr::from([127, 0, 0, 2]);
        let client = Client::builder().local_address(elsewhere).build().unwrap();
        let request = self.request(Method::POST, path).json(body);
        self.execute_by(&client, request.build().unwrap()).await
    }

    /// A GET by the administrator.
    pub async fn get_as_admin(&self, path: &str) -> Answer {
        let request = self
            .request(Method::GET, path)
            .bearer_auth(self.admin().await);
        self.send(request).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::PUT, path).json(body)).await
    }

    pub async fn sign_up(&self, email: &str) -> Answer {
        self.post("/users", &sign_up_body(email)).await
    }

    pub async fn sign_in(&self, email: &str) -> Answer {
        self.post("/sessions", &json!({"email": email, "password": PASSWORD}))
            .await
    }

    /// The access token of the administrator.
    pub async fn admin(&self) -> String {
        let mut known = self.admin.lock().await;
        if let Some((since, token)) = &*known
            && since.elapsed() < RENEWED_AFTER
        {
            return token.clone();
        }
        let answer = self.sign_in(ADMIN).await;
        let token = answer.body["accessToken"].as_str().unwrap().to_owned();
        *known = Some((Instant::now(), token.clone()));
        token
    }

    /// Waits for a mail to this address.
    pub async fn mail_to(&self, email: &str) -> Mail {
        let to_email = |entry: &local::journal::Entry| match &entry.happening {
            Happening::Mail { mail } if mail.to.iter().any(|to| to == email) => Some(mail.clone()),
            _ => None,
        };
        patiently("a mail", self.stack.journal.wait_for(0, to_email)).await
    }

    /// Waits for a mail with this subject to this address.
    pub async fn mail_about(&self, email: &str, subject: &str) -> Mail {
        let wanted = |entry: &local::journal::Entry| match &entry.happening {
            Happening::Mail { mail }
                if mail.subject == subject && mail.to.iter().any(|to| to == email) =>
            {
                Some(mail.clone())
            }
            _ => None,
        };
        patiently(subject, self.stack.journal.wait_for(0, wanted)).await
    }

    /// The mails to this address so far.
    pub fn mails(&self, email: &str) -> Vec<Mail> {
        let entries = self.stack.journal.since(0);
        let mails = entries.iter().filter_map(|entry| match &entry.happening {
            Happening::Mail { mail } if mail.to.iter().any(|to| to == email) => Some(mail.clone()),
            _ => None,
        });
        mails.collect()
    }

    /// How many mails went to this address so far.
    pub fn mails_to(&self, email: &str) -> usize {
        self.mails(email).len()
    }

    /// A request to the database itself, past all functions.
    pub async fn database(&self, operation: &str, body: &Value) -> Value {
        let request = self
            .client
            .post(&self.stack.dynamodb_url)
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-date", "20260101T000000Z")
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=tamperer/20260101/us-east-1/dynamodb/aws4_request, \
                 SignedHeaders=host, Signature=0",
            )
            .body(body.to_string());
        let response = request.send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert!(status.is_success(), "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Waits until every event has been relayed and observed.
    pub async fn settle(&self) {
        loop {
            patiently("an empty outbox", self.stack.services.mappings.idle()).await;
            patiently("the observers", self.stack.lambda.settled()).await;
            // Observers may have caused events of their own.
            let settled = self.events();
            patiently("an empty outbox", self.stack.services.mappings.idle()).await;
            if self.events() == settled {
                return;
            }
        }
    }

    fn events(&self) -> usize {
        let entries = self.stack.journal.since(0).into_iter();
        let events = entries.filter(|entry| matches!(entry.happening, Happening::Event { .. }));
        events.count()
    }

    async fn assert_nothing_left_over(&self) {
        self.settle().await;
        let entries = self.stack.journal.since(0);
        for entry in &entries {
            if let Happening::DeadLetter { queue, .. } = &entry.happening {
                let waits = self.stack.services.queues.bodies(queue);
                let is_taken = is_queued(&entries, queue) && waits.is_empty();
                assert!(is_taken, "not redriven: {entry:?}");
            }
        }
        assert_permitted(self);
    }
}

/// Whether every dead letter of this queue reached it.
fn is_queued(entries: &[std::sync::Arc<local::journal::Entry>], letters_of: &str) -> bool {
    let count = |wanted: fn(&Happening) -> Option<&String>| {
        let queues = entries.iter().filter_map(|entry| wanted(&entry.happening));
        queues.filter(|queue| *queue == letters_of).count()
    };
    let letters = count(|happening| match happening {
        Happening::DeadLetter { queue, .. } => Some(queue),
        _ => None,
    });
    let queued = count(|happening| match happening {
        Happening::Queued { queue, .. } => Some(queue),
        _ => None,
    });
    queued >= letters
}

/// The body of a sign-up.
pub fn sign_up_body(email: &str) -> Value {
    json!({"email": email, "name": "Ann Example", "password": PASSWORD})
}

/// The token in a mail's link to this page.
pub fn token_in(mail: &Mail, page: &str) -> String {
    let text = mail.text.as_deref().unwrap_or_default();
    let (_, rest) = text
        .split_once(&format!("/{page}#token="))
        .unwrap_or_else(|| panic!("no link to {page}: {text}"));
    let mut parts = rest.split(|c: char| c == '&' || c.is_whitespace());
    parts.next().unwrap().to_owned()
}
