//! The services which the functions use: where each listens, and what makes it run.
//!
//! The ports are bound before anything runs, since the environments have to know them.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use anyhow::Context as _;
use axum::Router;
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    bus::{self, Bus},
    console,
    dynamodb::{self, Dynamo},
    journal::Journal,
    lambda::Lambda,
    mail::MailService,
    queue::Queues,
    schedule::Schedules,
    stack::Options,
    stream::{self, Mappings, Pace},
    template::{Model, STACK},
};

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
pub struct Services {
    /// The tables.
    pub dynamo: Dynamo,
    /// The mappings from their streams to functions.
    pub mappings: Mappings,
    /// The buses.
    pub bus: Bus,
    /// The mail service.
    pub mail: MailService,
    _schedules: Schedules,
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
    pub async fn start(parts: Parts<'_>, listeners: Listeners) -> anyhow::Result<Self> {
        let data = parts.options.data.as_deref();
        let dynamo = Dynamo::start(tables(parts.model, data), listeners.dynamodb).await?;
        let buses = bus::Config {
            buses: parts.model.buses.values().cloned().collect(),
            rules: parts.model.rules.clone(),
        };
        let bus = Bus::new(
            buses,
            Arc::new(parts.lambda.clone()),
            parts.journal.clone(),
            parts.queues.clone(),
        )?;
        let sets = parts.model.configuration_sets.values().cloned().collect();
        let mail = MailService::new(sets, parts.journal.clone(), bus.clone());
        let mut tasks = JoinSet::new();
        serve(&mut tasks, listeners.eventbridge, bus.router());
        serve(&mut tasks, listeners.sesv2, mail.router());
        let console = console::router(
            console(&parts),
            parts.options.pages.clone(),
            parts.journal.clone(),
            dynamo.calls().clone(),
        );
        serve(&mut tasks, listeners.console, console);
        let services = stream::Services {
            invoker: Arc::new(parts.lambda.clone()),
            journal: parts.journal.clone(),
            queues: parts.queues.clone(),
        };
        let streams = parts.model.streams.clone();
        let mappings = Mappings::start(&dynamo, streams, &services, data, Pace::default()).await?;
        let schedules = Schedules::start(parts.model.schedules.clone(), &services.invoker);
        Ok(Self {
            dynamo,
            mappings,
            bus,
            mail,
            _schedules: schedules,
            _tasks: tasks,
        })
    }
}

fn serve(tasks: &mut JoinSet<()>, listener: TcpListener, router: Router) {
    tasks.spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "a service ended");
        }
    });
}

/// The tables of a template, kept in the folder `data` if there is one.
pub fn tables(model: &Model, data: Option<&Path>) -> dynamodb::Config {
    dynamodb::Config {
        data: data.map(Path::to_owned),
        tables: model.tables.values().cloned().collect(),
    }
}

fn console(parts: &Parts<'_>) -> console::Config {
    let routes = parts.model.routes.iter().map(|route| console::Route {
        method: route.method.clone().unwrap_or_else(|| "ANY".to_owned()),
        path: route.path.clone().unwrap_or_else(|| "$default".to_owned()),
        function: route.function.clone(),
    });
    console::Config {
        name: STACK.to_owned(),
        api: parts.api.to_owned(),
        routes: routes.collect(),
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
