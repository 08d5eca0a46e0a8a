//! A receiver of webhooks, which verifies what it gets by the official library.

use std::sync::{
    Arc,
    atomic::{AtomicU16, Ordering},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tokio::{
    net::TcpListener,
    sync::{Mutex, mpsc},
    task::JoinHandle,
};

use crate::support::{Roster, patiently};

/// What came.
#[derive(Debug)]
pub struct Received {
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// A receiver at an address of this machine. It ends when it is dropped.
pub struct Receiver {
    pub url: String,
    status: Arc<AtomicU16>,
    received: Mutex<mpsc::UnboundedReceiver<Received>>,
    server: JoinHandle<()>,
}

#[derive(Clone)]
struct Inner {
    status: Arc<AtomicU16>,
    sender: mpsc::UnboundedSender<Received>,
}

impl Receiver {
    /// One that answers with this status.
    pub async fn answering(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, received) = mpsc::unbounded_channel();
        let status = Arc::new(AtomicU16::new(status));
        let inner = Inner {
            status: status.clone(),
            sender,
        };
        let router = Router::new()
            .route("/events", post(take))
            .route("/health", get(health))
            // Where a redirection would lead.
            .route("/elsewhere", post(take).get(take))
            .with_state(inner);
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            url,
            status,
            received: Mutex::new(received),
            server,
        }
    }

    /// From now on it answers so.
    pub fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// What comes next.
    pub async fn next(&self) -> Received {
        let mut received = self.received.lock().await;
        let next = patiently("a webhook", received.recv()).await;
        next.unwrap()
    }

    /// The next event about this user.
    pub async fn next_about(&self, user: &str) -> Received {
        loop {
            let received = self.next().await;
            if received.event()["subject"] == user {
                return received;
            }
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Received {
    pub fn event(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Whether the official library takes it for signed by this secret.
    pub fn is_signed_by(&self, secret: &str) -> bool {
        let webhook = Webhook::new(secret).unwrap();
        webhook.verify(&self.body, &self.headers).is_ok()
    }

    pub fn id(&self) -> &str {
        self.headers["webhook-id"].to_str().unwrap()
    }
}

async fn take(
    State(inner): State<Inner>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, [(&'static str, &'static str); 1]) {
    let status = inner.status.load(Ordering::SeqCst);
    // The test may be over.
    let _over = inner.sender.send(Received { headers, body });
    let status = StatusCode::from_u16(status).unwrap();
    (status, [("location", "/elsewhere")])
}

async fn health(State(inner): State<Inner>) -> StatusCode {
    StatusCode::from_u16(inner.status.load(Ordering::SeqCst)).unwrap()
}

impl Roster {
    /// Registers a service that is told of this user's events only; gives its secret.
    pub async fn service(&self, name: &str, filter: &Value) -> String {
        let route = format!("PUT /services/{name}");
        let made = self
            .call_as_admin(&route, &json!({ "filter": filter }))
            .await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        made.body["secret"].as_str().unwrap().to_owned()
    }

    /// Registers an instance, as the service itself does.
    pub async fn instance(&self, name: &str, id: &str, url: &str) {
        let key = self.api_key_for("service", name).await;
        let route = format!("PUT /services/{name}/instances/{id}");
        let registered = self.call(&route, &key.token, &json!({ "url": url })).await;
        assert_eq!(registered.status, StatusCode::OK, "{registered:?}");
    }
}
