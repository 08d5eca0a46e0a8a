//! Whose tables a command is about.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

use adapters::{
    composition::{Deployment, Ports},
    https,
};
use anyhow::Context as _;
use aws_config::BehaviorVersion;
use clap::Args;
use local::{
    dynamodb::Dynamo,
    stack::Running,
    template::{Model, Overrides, Template},
};
use shared::application::ports::UserRepository as _;
use tokio::net::TcpListener;

/// Whose tables a command is about: those of a running local stack, if nothing is said.
#[derive(Debug, Clone, Args)]
pub struct Target {
    /// Tables of the local stack whose DynamoDB is there
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8000")]
    pub endpoint: String,
    /// Tables in this folder, which no stack uses now
    #[arg(long, value_name = "DIR", conflicts_with = "endpoint")]
    pub data: Option<PathBuf>,
    /// Tables on AWS, with credentials and region as for the AWS CLI, and the names of the tables in
    /// the environment as the functions have them
    #[arg(long, conflicts_with_all = ["endpoint", "data"])]
    pub aws: bool,
    /// Template, which names the local tables
    #[arg(long, value_name = "FILE", default_value = "template.yaml")]
    pub template: PathBuf,
}

/// The tables, which are there as long as this is.
pub(super) struct Open {
    pub(super) aws: Ports,
    _folder: Option<Dynamo>,
}

impl Target {
    /// Opens the tables.
    ///
    /// # Errors
    /// If they do not answer, the folder is in use or the environment is wrong.
    pub(super) async fn open(&self) -> anyhow::Result<Open> {
        let (aws, folder) = if self.aws {
            let environment = |name: &str| std::env::var(name).ok();
            let deployment = deployment(environment, "the environment")?;
            // The profiles, roles and the like of who works with the AWS CLI.
            let config =
                aws_config::defaults(BehaviorVersion::latest()).http_client(https::client());
            (Ports::over(&config.load().await, deployment), None)
        } else if let Some(data) = &self.data {
            let model = self.model()?;
            let dynamo = serve_tables(&model, Some(data)).await?;
            (connect_tables(&dynamo.url(), &model)?, Some(dynamo))
        } else {
            (connect_tables(&self.endpoint, &self.model()?)?, None)
        };
        // The first call, which says whether there are tables at all.
        let answer = aws.users().has_administrator().await;
        answer.with_context(|| format!("{self} does not answer"))?;
        Ok(Open {
            aws,
            _folder: folder,
        })
    }

    /// What the template means with its defaults.
    pub(super) fn model(&self) -> anyhow::Result<Model> {
        let template = Template::read(&self.template)?;
        let model = template.resolve(&Overrides::new());
        model.with_context(|| self.template.display().to_string())
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.data {
            _ if self.aws => f.write_str("AWS"),
            Some(data) => data.display().fmt(f),
            None => f.write_str(&self.endpoint),
        }
    }
}

/// The template's tables, in a folder or in memory, served at a free port.
///
/// # Errors
/// If the folder is in use, or its tables have another shape.
pub async fn serve_tables(model: &Model, data: Option<&Path>) -> anyhow::Result<Dynamo> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    Dynamo::start(model, data, listener).await
}

/// Roster's adapters over the tables of a running stack.
pub(super) fn connect(running: &Running) -> anyhow::Result<Ports> {
    connect_tables(&running.dynamodb_url, &running.model)
}

/// Roster's adapters over the tables at `url`, by the names they have in the template.
///
/// # Errors
/// If the template does not name them.
pub fn connect_tables(url: &str, model: &Model) -> anyhow::Result<Ports> {
    // Each function knows the deployment by the template's Globals.
    let function = model.functions.values().next();
    let variables = &function
        .context("the template has no function")?
        .environment
        .variables;
    let deployment = deployment(
        |name| variables.get(name).cloned(),
        "the template's Globals",
    )?;
    Ok(Ports::at(url, "local", deployment))
}

fn deployment(
    variable: impl Fn(&str) -> Option<String>,
    whose: &str,
) -> anyhow::Result<Deployment> {
    shared::lambda::config::read(&variable).with_context(|| whose.to_owned())
}
