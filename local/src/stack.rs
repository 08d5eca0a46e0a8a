//! The whole stack: everything the template says, started in order and ended together.

mod options;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, bail};

use crate::{
    compile::{self, Executables},
    journal::Journal,
    lambda::{Lambda, Settings},
    loopback,
    services::{Ports, Services},
    template::{Model, Template},
};

pub use self::options::{Functions, Options};
pub use crate::forward::receiver;

/// Most events that may wait for an environment of one function.
const MAX_WAITING: usize = 1000;
/// An environment without an event for this long is ended.
const IDLE_AFTER: Duration = Duration::from_mins(10);

#[derive(Debug)]
pub struct Stack;

/// A running stack. Dropping it ends every process of it.
pub struct Running {
    pub api_url: String,
    pub console_url: String,
    pub dynamodb_url: String,
    pub journal: Journal,
    pub lambda: Lambda,
    pub model: Arc<Model>,
    pub services: Services,
}

impl Stack {
    /// Reads the template, builds the functions and starts everything.
    ///
    /// # Errors
    /// One line that says what to do about it: a template that is not understood, a busy port, a
    /// build that fails.
    pub async fn start(options: Options) -> anyhow::Result<Running> {
        let template = Template::read(&options.template)?;
        let ports = Ports::bind(&options).await?;
        let (api_url, console_url) = (ports.api_url(), ports.console.named_url());
        let mut model = model(&template, &options, &api_url, &console_url)?;
        let executables = match &options.functions {
            Functions::Build(build) => {
                // The folder of the template is the workspace.
                let folder = options.template.parent().unwrap_or_else(|| Path::new(""));
                let executables = compile::build(&Path::new(".").join(folder), *build).await?;
                of_functions(&model, &executables)?
            }
            Functions::Built(executables) => of_functions(&model, executables)?,
            Functions::Elsewhere => {
                model = model.without_event_sources();
                BTreeMap::new()
            }
        };
        let journal = Journal::default();
        let settings = Settings {
            executables,
            services: ports.variables(),
            max_environments: options.max_environments,
            max_waiting: MAX_WAITING,
            idle_after: IDLE_AFTER,
            async_retry_delay: options.async_retry_delay,
            echo: options.echo,
        };
        let lambda = Lambda::new(&model, settings, &journal);
        let dynamodb_url = ports.dynamodb.named_url();
        let invoker = Arc::new(lambda.clone());
        Ok(Running {
            services: Services::start(&model, &options, ports, invoker, &journal).await?,
            api_url,
            console_url,
            dynamodb_url,
            journal,
            lambda,
            model: Arc::new(model),
        })
    }
}

/// The model; parameters may default to the addresses of the API and of the console.
fn model(
    template: &Template,
    options: &Options,
    api: &str,
    console: &str,
) -> anyhow::Result<Model> {
    let mut parameters = options.parameters.clone();
    for (parameter, address) in [
        (&options.api_parameter, api),
        (&options.console_parameter, console),
    ] {
        if let Some(name) = parameter {
            parameters
                .entry(name.clone())
                .or_insert_with(|| address.to_owned());
        }
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
        let binary = function.binary();
        let Some(executable) = executables.get(binary) else {
            bail!(
                "{id}: Metadata.BuildProperties.Binary is `{binary}`, but the workspace has no such binary"
            );
        };
        found.insert(id.clone(), executable.clone());
    }
    Ok(found)
}

/// Longest time from the start of the stack to a healthy answer.
const READY: Duration = Duration::from_mins(1);
const LOOK_AGAIN: Duration = Duration::from_millis(200);

impl Running {
    /// Waits until a GET of `path` is answered with success.
    ///
    /// # Errors
    /// When it does not within a minute: what it answered instead.
    pub async fn ready(&self, path: &str) -> anyhow::Result<()> {
        let client = loopback::client();
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
