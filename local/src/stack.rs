//! The whole stack: everything the template says, started in order and ended together.

mod options;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, bail};
use axum::{Router, body::Body};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    compile::{self, Executables},
    http_api,
    journal::Journal,
    lambda::{Lambda, Settings},
    queue::Queues,
    services::{self, Endpoints, Listeners, Parts, Services},
    template::{Model, Template},
};

pub use self::options::{Functions, Options};

/// Most events that may wait for an environment of one function.
const MAX_WAITING: usize = 1000;
/// An environment without an event for this long is ended.
const IDLE_AFTER: Duration = Duration::from_mins(10);

/// Starts stacks.
#[derive(Debug)]
pub struct Stack;

/// A running stack. Dropping it ends every process of it.
pub struct Running {
    /// Address of the HTTP API.
    pub api_url: String,
    /// Address of the console.
    pub console_url: String,
    /// Address of DynamoDB.
    pub dynamodb_url: String,
    /// What happens in the stack.
    pub journal: Journal,
    /// The functions.
    pub lambda: Lambda,
    /// What the template means.
    pub model: Arc<Model>,
    /// What the functions call.
    pub services: Services,
    _api: JoinSet<()>,
}

impl Stack {
    /// Reads the template, builds the functions and starts everything.
    ///
    /// # Errors
    /// One line that says what to do about it: a template that is not understood, a busy port, a
    /// build that fails.
    pub async fn start(options: Options) -> anyhow::Result<Running> {
        let template = Template::read(&options.template)?;
        let api = bind(options.port, "--port").await?;
        let listeners = Listeners {
            dynamodb: bind(options.dynamodb_port, "--dynamodb-port").await?,
            eventbridge: bind_any().await?,
            sesv2: bind_any().await?,
            console: bind(options.console_port, "--console-port").await?,
        };
        let api_url = services::url(&api)?;
        let endpoints = listeners.endpoints()?;
        let model = model(&template, &options, &endpoints)?;
        let executables = match &options.functions {
            Functions::Build(build) => compile::build(workspace(&options.template), *build).await?,
            Functions::Built(executables) => executables.clone(),
        };
        let journal = Journal::default();
        let queues = Queues::new(journal.clone());
        let settings = Settings {
            executables: of_functions(&model, &executables)?,
            endpoints: endpoints.variables(),
            max_environments: options.max_environments,
            max_waiting: MAX_WAITING,
            idle_after: IDLE_AFTER,
            async_retry_delay: options.async_retry_delay,
            echo: options.echo,
        };
        let lambda = Lambda::new(&model, &settings, &journal, queues.clone());
        let parts = Parts {
            model: &model,
            options: &options,
            api: &api_url,
            lambda: lambda.clone(),
            journal: journal.clone(),
            queues,
        };
        let services = Services::start(parts, listeners).await?;
        Ok(Running {
            _api: serve_api(api, &model, &lambda, &journal)?,
            api_url,
            console_url: endpoints.console,
            dynamodb_url: endpoints.dynamodb,
            journal,
            lambda,
            model: Arc::new(model),
            services,
        })
    }
}

/// The folder of the template, which is the workspace.
fn workspace(template: &Path) -> &Path {
    match template.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The model; one of the parameters may default to the console's address.
fn model(template: &Template, options: &Options, endpoints: &Endpoints) -> anyhow::Result<Model> {
    let mut parameters = options.parameters.clone();
    if let Some(name) = &options.console_parameter {
        parameters
            .entry(name.clone())
            .or_insert_with(|| endpoints.console.clone());
    }
    template
        .resolve(&parameters)
        .with_context(|| options.template.display().to_string())
}

/// The executable of every function.
fn of_functions(
    model: &Model,
    executables: &Executables,
) -> anyhow::Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    for (id, function) in &model.functions {
        let binary = &function.binary;
        let Some(executable) = executables.get(binary) else {
            bail!(
                "{id}: Metadata.BuildProperties.Binary is `{binary}`, but the workspace has no such binary"
            );
        };
        found.insert(id.clone(), executable.clone());
    }
    Ok(found)
}

async fn bind(port: u16, flag: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(("127.0.0.1", port))
        .await
        .with_context(|| format!("cannot listen at port {port}; choose another with {flag}"))
}

async fn bind_any() -> anyhow::Result<TcpListener> {
    TcpListener::bind(("127.0.0.1", 0))
        .await
        .context("cannot listen at any port")
}

fn serve_api(
    listener: TcpListener,
    model: &Model,
    lambda: &Lambda,
    journal: &Journal,
) -> anyhow::Result<JoinSet<()>> {
    let port = listener
        .local_addr()
        .context("a socket has no address")?
        .port();
    let invoker = Arc::new(lambda.clone());
    let router: Router = http_api::router(model, port, invoker, journal.clone());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        if let Err(error) = axum::serve(listener, service).await {
            tracing::error!(%error, "the HTTP API ended");
        }
    });
    Ok(tasks)
}

/// Longest time from the start of the stack to a healthy answer.
const READY: Duration = Duration::from_mins(1);
/// Time between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

impl Running {
    /// Waits until a GET of `path` is answered with success.
    ///
    /// # Errors
    /// When it does not within a minute: what it answered instead.
    pub async fn ready(&self, path: &str) -> anyhow::Result<()> {
        let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
        let url: http::Uri = format!("{}{path}", self.api_url).parse()?;
        let mut last = "nothing".to_owned();
        let healthy = async {
            loop {
                match client.get(url.clone()).await {
                    Ok(response) if response.status().is_success() => return,
                    Ok(response) => last = response.status().to_string(),
                    Err(error) => last = error.to_string(),
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        match tokio::time::timeout(READY, healthy).await {
            Ok(()) => Ok(()),
            Err(_elapsed) => bail!("the stack does not get ready: GET {path} answers {last}"),
        }
    }

    /// Ends every process and waits until each is gone.
    pub async fn stop(self) {
        self.lambda.stop();
        self.lambda.stopped().await;
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running")
            .field("api_url", &self.api_url)
            .finish_non_exhaustive()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.lambda.stop();
    }
}
