//! The service that is told of users: the example of `examples/notifications`, behind what fails at random.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    extract::{Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
};
use notifications::{Profiles, Service, roster::Roster};
use standardwebhooks::Webhook;
use tokio::{net::TcpListener, task::JoinHandle};

/// The service, which ends when this is dropped.
pub(crate) struct Receiver {
    pub(crate) service: Arc<Service>,
    mood: Arc<Mood>,
    server: JoinHandle<()>,
}

/// How it fails.
struct Mood {
    fails: AtomicBool,
    random: Mutex<fastrand::Rng>,
    asked: AtomicU64,
    refused: AtomicU64,
}

/// Longer than Roster waits for an answer.
const HANGS: Duration = Duration::from_secs(20);

impl Receiver {
    /// Registers and serves.
    pub(crate) async fn start(api: &str, admin: &str, seed: u64) -> anyhow::Result<Self> {
        let credentials = Roster::new(api, admin).set_up().await?;
        let service = Arc::new(Service {
            profiles: Profiles::default(),
            webhook: Webhook::new(&credentials.secret)?,
        });
        let mood = Arc::new(Mood {
            fails: AtomicBool::new(true),
            random: Mutex::new(fastrand::Rng::with_seed(seed)),
            asked: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        });
        let router = notifications::router(Arc::clone(&service))
            .layer(middleware::from_fn_with_state(Arc::clone(&mood), fail));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let server = tokio::spawn(async move {
            // It ends with the task.
            let _never = axum::serve(listener, router).await;
        });
        let roster = Roster::new(api, &credentials.api_key);
        roster.register("soak-1", &url).await?;
        Ok(Self {
            service,
            mood,
            server,
        })
    }

    /// From now on it is well.
    pub(crate) fn recover(&self) {
        self.mood.fails.store(false, Ordering::SeqCst);
    }

    /// How many deliveries it was asked to take.
    pub(crate) fn asked(&self) -> u64 {
        self.mood.asked.load(Ordering::Relaxed)
    }

    /// How many of them it said it did not take.
    pub(crate) fn refused(&self) -> u64 {
        self.mood.refused.load(Ordering::Relaxed)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Of a hundred deliveries some fail, one way or another. Checks of its health do not.
async fn fail(State(mood): State<Arc<Mood>>, request: Request, next: Next) -> Response {
    if request.uri().path() != "/events" {
        return next.run(request).await;
    }
    mood.asked.fetch_add(1, Ordering::Relaxed);
    let number = if mood.fails.load(Ordering::SeqCst) {
        let mut random = mood.random.lock().unwrap_or_else(PoisonError::into_inner);
        random.u8(..100)
    } else {
        100
    };
    if number < 18 {
        mood.refused.fetch_add(1, Ordering::Relaxed);
    }
    match number {
        0..8 => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        8..10 => Redirect::temporary("/health").into_response(),
        10..12 => {
            tokio::time::sleep(HANGS).await;
            StatusCode::NO_CONTENT.into_response()
        }
        // It lies: it has taken the event.
        12..18 => {
            let _taken = next.run(request).await;
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
        _ => next.run(request).await,
    }
}
