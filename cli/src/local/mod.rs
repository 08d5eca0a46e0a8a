//! `local`: the emulator with Roster in it.

mod env;
mod invoke;
mod pages;
pub(crate) mod running;

use std::{
    net::{IpAddr, Ipv4Addr},
    num::NonZeroUsize,
    path::PathBuf,
};

use adapters::system::System;
use axum::http::Uri;
use clap::{Args, Subcommand};
use local::{
    compile::Build,
    stack::{Functions, Options, Running, Stack},
    template::Overrides,
};
use shared::application::ports::SecureRandom;

pub use self::{env::Env, invoke::Invoke, running::Running as RunningStack};
use crate::{Admin, first_administrator};

/// Runs the whole of template.yaml on this machine
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Local {
    #[command(subcommand)]
    #[expect(missing_docs, reason = "clap would show it")]
    pub command: Option<LocalCommand>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it")]
    pub start: Start,
}

/// What is asked of a stack that runs.
#[derive(Debug, Subcommand)]
#[expect(missing_docs, reason = "clap would show it")]
pub enum LocalCommand {
    Env(Env),
    Invoke(Invoke),
}

/// How a stack is started.
#[derive(Debug, Args)]
pub struct Start {
    /// Template to run; its folder is the workspace with the functions
    #[arg(long, value_name = "FILE", default_value = "template.yaml")]
    pub template: PathBuf,
    /// Port of the HTTP API, 0 for any free one
    #[arg(long, default_value_t = 3000)]
    pub port: u16,
    /// Port of the console, 0 for any free one
    #[arg(long, default_value_t = 3001)]
    pub console_port: u16,
    /// Port of DynamoDB, 0 for any free one
    #[arg(long, default_value_t = 8000)]
    pub dynamodb_port: u16,
    /// Port of EventBridge, 0 for any free one
    #[arg(long, default_value_t = 8001)]
    pub eventbridge_port: u16,
    /// Port of SES, 0 for any free one
    #[arg(long, default_value_t = 8002)]
    pub ses_port: u16,
    /// Port of SQS, 0 for any free one
    #[arg(long, default_value_t = 8003)]
    pub sqs_port: u16,
    /// Port of the Parameter Store, 0 for any free one
    #[arg(long, default_value_t = 8004)]
    pub ssm_port: u16,
    /// Address at which to listen beside 127.0.0.1, such as 172.17.0.1 for containers. Whoever reaches it
    /// can read and write everything
    #[arg(long, value_name = "ADDRESS", default_value_t = Ipv4Addr::LOCALHOST.into(), hide_default_value = true)]
    pub bind: IpAddr,
    /// Name beside `localhost` by which this machine may be called, such as `host.docker.internal`; may be
    /// given several times
    #[arg(long = "allow-host", value_name = "NAME")]
    pub allowed_hosts: Vec<String>,
    /// Start tables, bus and mail service only: the functions are run by SAM or `cargo lambda`, and what
    /// they write to the tables invokes nothing. `--port` says where the API will be
    #[arg(long, conflicts_with_all = ["release", "max_environments"])]
    pub services_only: bool,
    /// Folder that keeps the tables; without it they live in memory
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// E-mail address of the first administrator
    #[arg(long, value_name = "ADDRESS", default_value = Admin::EMAIL)]
    pub admin_email: String,
    /// Password of the first administrator; made and shown if not given
    #[arg(long, value_name = "PASSWORD")]
    pub admin_password: Option<String>,
    /// Value for a parameter of the template; may be given several times
    #[arg(long = "parameter", value_name = "KEY=VALUE", value_parser = key_value)]
    pub parameters: Vec<(String, String)>,
    /// Secret in the Parameter Store, such as that of an identity provider; may be given several times
    #[arg(long = "secret", value_name = "NAME=VALUE", value_parser = key_value)]
    pub secrets: Vec<(String, String)>,
    /// Where events of the bus are posted to as well, as CloudEvents, such as `http://localhost:4800/events`
    #[arg(long, value_name = "URL", value_parser = local::stack::receiver)]
    pub events_to: Option<Uri>,
    /// Most environments of one function at a time
    #[arg(long, value_name = "COUNT", default_value = "4")]
    pub max_environments: NonZeroUsize,
    /// Build the functions with the release profile
    #[arg(long)]
    pub release: bool,
}

/// A started stack.
pub struct Started {
    /// The stack; its processes end when this is dropped.
    pub stack: Running,
    /// The administrator's address, and the password if the administrator is new.
    pub admin: (String, Option<String>),
}

fn key_value(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("must be NAME=VALUE"),
    }
}

impl Start {
    /// Starts the stack, makes the administrator, and waits until the API answers.
    ///
    /// # Errors
    /// One line that says what to do about it.
    pub async fn run(self) -> anyhow::Result<Started> {
        let password = match &self.admin_password {
            Some(password) => password.clone(),
            None => (&System as &dyn SecureRandom).token()?,
        };
        let admin = Admin {
            email: self.admin_email.clone(),
            password,
        };
        let has_functions = !self.services_only;
        let stack = Stack::start(self.options()).await?;
        let is_new = first_administrator(&stack, &admin).await?;
        if has_functions {
            stack.ready(HEALTH).await?;
        }
        Ok(Started {
            stack,
            admin: (admin.email, is_new.then_some(admin.password)),
        })
    }

    fn options(self) -> Options {
        let functions = if self.services_only {
            Functions::Elsewhere
        } else {
            Functions::Build(Build {
                // A binary built with optimisation is asked for speed.
                release: self.release || !cfg!(debug_assertions),
                with_tests: false,
            })
        };
        let mut parameters = parameters();
        // The stack knows the address of its console.
        parameters.remove(APP_URL);
        // Services run on this machine too.
        parameters.insert(SERVICE_NETWORKS.to_owned(), LOOPBACK.to_owned());
        parameters.extend(self.parameters);
        Options {
            template: self.template,
            port: self.port,
            console_port: self.console_port,
            dynamodb_port: self.dynamodb_port,
            eventbridge_port: self.eventbridge_port,
            ses_port: self.ses_port,
            sqs_port: self.sqs_port,
            ssm_port: self.ssm_port,
            bind: self.bind,
            allowed_hosts: self.allowed_hosts,
            data: self.data,
            parameters,
            secrets: self.secrets.into_iter().collect(),
            api_parameter: Some(ISSUER.to_owned()),
            console_parameter: Some(APP_URL.to_owned()),
            pages: pages::router(),
            max_environments: self.max_environments.get(),
            functions,
            events_to: self.events_to,
            echo: true,
            ..Options::default()
        }
    }
}

/// Values for the parameters that have no default, which a deployment must choose.
pub fn parameters() -> Overrides {
    let values = [
        ("MailFrom", "roster@example.com"),
        (APP_URL, "https://example.com"),
    ];
    values
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

/// The path that answers once the stack can serve.
pub const HEALTH: &str = "/health";

/// The parameter with the networks in which services are called though they are not public.
const SERVICE_NETWORKS: &str = "ServiceNetworks";

/// This machine.
const LOOPBACK: &str = "127.0.0.0/8,::1/128";

/// The parameter with the address of the application: links in mails lead to [`pages`].
const APP_URL: &str = "AppUrl";

/// The parameter with the issuer of access tokens: discovery works at the address that answers.
const ISSUER: &str = "Issuer";
