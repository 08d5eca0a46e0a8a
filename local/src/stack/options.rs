//! How a stack is asked to run.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    time::Duration,
};

use axum::{Router, http::Uri};

use crate::{
    compile::{Build, Executables},
    ssm::Secrets,
    template::Overrides,
};

/// How to run a stack. A port of 0 means any free one.
#[derive(Debug, Clone)]
pub struct Options {
    /// The template; its folder is the workspace with the functions.
    pub template: PathBuf,
    /// Port of the HTTP API; without functions the one at which something else serves it.
    pub port: u16,
    pub console_port: u16,
    pub dynamodb_port: u16,
    pub eventbridge_port: u16,
    pub ses_port: u16,
    pub sqs_port: u16,
    pub ssm_port: u16,
    /// Address at which everything listens beside 127.0.0.1.
    pub bind: IpAddr,
    /// Names beside `localhost` by which this machine may be called.
    pub allowed_hosts: Vec<String>,
    /// Folder that keeps the tables, `None` for memory.
    pub data: Option<PathBuf>,
    pub parameters: Overrides,
    /// What the Parameter Store holds.
    pub secrets: Secrets,
    /// The parameter that gets the address of the API, unless it is given a value.
    pub api_parameter: Option<String>,
    /// The parameter that gets the address of the console, unless it is given a value.
    pub console_parameter: Option<String>,
    /// Pages that the console serves beside its own.
    pub pages: Router,
    /// Most environments of one function.
    pub max_environments: usize,
    /// Wait before an asynchronous invocation is tried again; doubled for the next time.
    pub async_retry_delay: Duration,
    pub functions: Functions,
    /// Where events of the template's buses are posted to as well.
    pub events_to: Option<Uri>,
    /// Whether lines of the functions are shown on the terminal.
    pub echo: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            template: PathBuf::from("template.yaml"),
            port: 0,
            console_port: 0,
            dynamodb_port: 0,
            eventbridge_port: 0,
            ses_port: 0,
            sqs_port: 0,
            ssm_port: 0,
            bind: Ipv4Addr::LOCALHOST.into(),
            allowed_hosts: Vec::new(),
            data: None,
            parameters: Overrides::new(),
            secrets: Secrets::new(),
            api_parameter: None,
            console_parameter: None,
            events_to: None,
            pages: Router::new(),
            max_environments: 4,
            async_retry_delay: Duration::from_secs(5),
            functions: Functions::Build(Build::default()),
            echo: false,
        }
    }
}

#[derive(Debug, Clone)]
pub enum Functions {
    /// Cargo builds them.
    Build(Build),
    /// They are there already, by the names of their binaries.
    Built(Executables),
    /// They are run by something else: the services are there, and nothing invokes a function.
    Elsewhere,
}
