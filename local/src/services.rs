//! The services which the functions use: where each listens, and what makes it run.
//!
//! The ports are bound before anything runs, since the environments have to know them.

use std::collections::BTreeMap;

use anyhow::Context as _;
use axum::{Router, http::StatusCode};
use tokio::{net::TcpListener, task::JoinSet};

use crate::{journal::Journal, lambda::Lambda, queue::Queues, stack::Options, template::Model};

/// Where the services will listen.
#[derive(Debug)]
pub struct Listeners {
    /// DynamoDB.
    pub dynamodb: TcpListener,
    /// EventBridge.
    pub eventbridge: TcpListener,
    /// SES, API v2.
    pub sesv2: TcpListener,
    /// The console.
    pub console: TcpListener,
}

/// Addresses of the services.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// DynamoDB.
    pub dynamodb: String,
    /// EventBridge.
    pub eventbridge: String,
    /// SES, API v2.
    pub sesv2: String,
    /// The console.
    pub console: String,
}

/// What the services are made from.
#[derive(Debug, Clone)]
pub struct Parts<'a> {
    /// The template.
    pub model: &'a Model,
    /// How the stack was asked to run.
    pub options: &'a Options,
    /// Address of the HTTP API, which the console proxies.
    pub api: &'a str,
    /// The functions.
    pub lambda: Lambda,
    /// The journal.
    pub journal: Journal,
    /// The dead-letter queues.
    pub queues: Queues,
}

/// The running services. They end when this is dropped.
#[derive(Debug)]
pub struct Services {
    _tasks: JoinSet<()>,
}

impl Listeners {
    /// Where they are bound.
    ///
    /// # Errors
    /// When a socket has no address.
    pub fn endpoints(&self) -> anyhow::Result<Endpoints> {
        Ok(Endpoints {
            dynamodb: url(&self.dynamodb)?,
            eventbridge: url(&self.eventbridge)?,
            sesv2: url(&self.sesv2)?,
            console: url(&self.console)?,
        })
    }
}

impl Endpoints {
    /// The environment variables with which the AWS SDKs find the services.
    pub fn variables(&self) -> BTreeMap<String, String> {
        [
            ("AWS_ENDPOINT_URL_DYNAMODB", &self.dynamodb),
            ("AWS_ENDPOINT_URL_EVENTBRIDGE", &self.eventbridge),
            ("AWS_ENDPOINT_URL_SESV2", &self.sesv2),
        ]
        .into_iter()
        .map(|(name, url)| (name.to_owned(), url.clone()))
        .collect()
    }
}

impl Services {
    /// Starts the services.
    ///
    /// # Errors
    /// When one of them cannot start.
    #[expect(
        clippy::unused_async,
        reason = "the services to come have to be awaited"
    )]
    pub async fn start(parts: Parts<'_>, listeners: Listeners) -> anyhow::Result<Self> {
        let mut tasks = JoinSet::new();
        tracing::debug!(
            tables = parts.model.tables.len(),
            rules = parts.model.rules.len(),
            "starting the services"
        );
        for listener in [
            listeners.dynamodb,
            listeners.eventbridge,
            listeners.sesv2,
            listeners.console,
        ] {
            let absent = Router::new().fallback(|| async {
                let message = "this service is not part of the local stack yet";
                (StatusCode::NOT_IMPLEMENTED, message)
            });
            tasks.spawn(async move {
                if let Err(error) = axum::serve(listener, absent).await {
                    tracing::error!(%error, "a service ended");
                }
            });
        }
        Ok(Self { _tasks: tasks })
    }
}

/// Address of a listener as a URL.
///
/// # Errors
/// When the socket has no address.
pub fn url(listener: &TcpListener) -> anyhow::Result<String> {
    let address = listener.local_addr().context("a socket has no address")?;
    Ok(format!("http://{address}"))
}
