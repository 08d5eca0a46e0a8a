//! What the processes work with: tables and a bus behind TLS, a user, and an event for each function.

use std::{cell::Cell, collections::BTreeMap, net::Ipv4Addr, path::Path};

use anyhow::{Context as _, anyhow};
use axum::{Json, Router, routing::post};
use local::{
    dynamodb::Dynamo,
    template::{Model, Template},
};
use serde_json::{Value, json};
use shared::domain::{Role, Roles, error::Violation};
use tokio::{net::TcpListener, process::Command, task::JoinSet};

use super::{
    process::{self, Taken},
    tls::Tls,
};
use crate::stack;

/// A process is measured with more than one user or address may have.
const PARAMETERS: [(&str, &str); 3] = [
    ("SignInsPerUser", "100000"),
    ("SignUpsPerSource", "100000"),
    ("SignInAttemptsPerSource", "100000"),
];

pub(super) const PASSWORD: &str = "correct horse battery staple";

const EMAIL: &str = "ann@example.com";

/// A function that is measured.
#[derive(Debug, Clone, Copy)]
pub(super) enum Case {
    DescribeApi,
    GetUser,
    ListUsers,
    PublishEvents,
    Authenticate,
    CreateUser,
}

impl Case {
    pub(super) const ALL: [Self; 6] = [
        Self::DescribeApi,
        Self::GetUser,
        Self::ListUsers,
        Self::PublishEvents,
        Self::Authenticate,
        Self::CreateUser,
    ];

    pub(super) fn binary(self) -> &'static str {
        match self {
            Self::DescribeApi => "describe-api",
            Self::GetUser => "get-user",
            Self::ListUsers => "list-users",
            Self::PublishEvents => "publish-events",
            Self::Authenticate => "authenticate",
            Self::CreateUser => "create-user",
        }
    }

    /// Its event, as in `events/`.
    fn event(self) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(match self {
            Self::DescribeApi => include_str!("../../../events/describe-api.json"),
            Self::GetUser => include_str!("../../../events/get-user.json"),
            Self::ListUsers => include_str!("../../../events/list-users.json"),
            Self::PublishEvents => include_str!("../../../events/publish-events.json"),
            Self::Authenticate => include_str!("../../../events/authenticate.json"),
            Self::CreateUser => include_str!("../../../events/create-user.json"),
        })?)
    }
}

pub(super) struct Stand {
    model: Model,
    _dynamo: Dynamo,
    _tls: Tls,
    _tasks: JoinSet<()>,
    /// Where the services are, and with which credentials.
    aws: BTreeMap<String, String>,
    /// The administrator who reads, and is read.
    user: String,
    token: String,
    sign_ups: Cell<usize>,
    /// A program and its arguments, which runs the processes.
    under: Vec<String>,
}

impl Stand {
    pub(super) async fn new(under: &str) -> anyhow::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let template = Template::read(&root.join("template.yaml"))?;
        let model = template.resolve(&stack::with(PARAMETERS))?;
        let dynamo = cli::serve_tables(&model, None).await?;
        let ports = cli::connect_tables(&dynamo.url(), &model)?;
        let wrong = |violation: Violation| anyhow!("{}", violation.message);
        let (email, name) = (EMAIL.parse().map_err(wrong)?, "Ann".parse().map_err(wrong)?);
        let roles = Roles::from([Role::admin()]);
        let user = cli::create_user(&ports, email, name, PASSWORD, roles).await?;
        // The processes find the keys that a first one made.
        ports.access_tokens().warm_up_to_sign().await?;

        let mut tasks = JoinSet::new();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let bus_port = listener.local_addr()?.port();
        tasks.spawn(async move {
            let bus = Router::new().route("/", post(accept));
            let _ = axum::serve(listener, bus).await;
        });
        let mut tls = Tls::new()?;
        let url: url::Url = dynamo.url().parse()?;
        let tables = tls.before(url.port().context("a port")?).await?;
        let bus = tls.before(bus_port).await?;
        let aws = [
            ("AWS_ENDPOINT_URL_DYNAMODB", tables.as_str()),
            ("AWS_ENDPOINT_URL_EVENTBRIDGE", bus.as_str()),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("SSL_CERT_FILE", &tls.roots.display().to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        Ok(Self {
            model,
            _dynamo: dynamo,
            _tls: tls,
            _tasks: tasks,
            aws,
            user: user.id.to_string(),
            token: String::new(),
            sign_ups: Cell::new(0),
            under: under.split_whitespace().map(str::to_owned).collect(),
        })
    }

    /// Gets the token of the user by the function itself.
    pub(super) async fn sign_in(&mut self, folder: &Path) -> anyhow::Result<()> {
        let answer = self.run(Case::Authenticate, folder, 0).await?.answer;
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default())?;
        let token = body["accessToken"].as_str().context("no token")?;
        token.clone_into(&mut self.token);
        Ok(())
    }

    fn command(&self, binary: &Path) -> Command {
        let Some((tool, arguments)) = self.under.split_first() else {
            return Command::new(binary);
        };
        let mut command = Command::new(tool);
        command.args(arguments).arg(binary);
        command
    }

    /// A process that does nothing.
    pub(super) async fn hello(&self, folder: &Path, more: usize) -> anyhow::Result<Taken> {
        process::run(
            self.command(&folder.join("hello")),
            &BTreeMap::new(),
            || json!({}),
            more,
        )
        .await
    }

    /// A process of this function.
    pub(super) async fn run(
        &self,
        case: Case,
        folder: &Path,
        more: usize,
    ) -> anyhow::Result<Taken> {
        let name = case.binary();
        let mut functions = self.model.functions.values();
        let function = functions.find(|function| function.binary() == name);
        let mut variables = function
            .context("no such function")?
            .environment
            .variables
            .clone();
        variables.extend(self.aws.clone());
        let event = case.event()?;
        process::run(
            self.command(&folder.join(name)),
            &variables,
            || self.fill(case, event.clone()),
            more,
        )
        .await
    }

    /// The event, for the user who is there.
    fn fill(&self, case: Case, mut event: Value) -> Value {
        match case {
            Case::DescribeApi => {}
            Case::GetUser => {
                event["headers"]["authorization"] = json!(format!("Bearer {}", self.token));
                event["pathParameters"]["id"] = json!(self.user);
            }
            Case::ListUsers => {
                event["headers"]["authorization"] = json!(format!("Bearer {}", self.token));
                event["rawQueryString"] = json!("");
                event["queryStringParameters"] = json!({});
            }
            Case::PublishEvents => {
                if let Some(records) = event["Records"].as_array_mut() {
                    records.truncate(1);
                }
                let key = json!({"S": format!("USER#{}", self.user)});
                event["Records"][0]["dynamodb"]["Keys"]["pk"] = key;
            }
            Case::Authenticate => {
                let body = json!({"email": EMAIL, "password": PASSWORD});
                event["body"] = json!(body.to_string());
            }
            Case::CreateUser => {
                let number = self.sign_ups.replace(self.sign_ups.get() + 1);
                let email = format!("person-{number}@example.com");
                let body = json!({"email": email, "name": "Eve", "password": PASSWORD});
                event["body"] = json!(body.to_string());
                if let Some(headers) = event["headers"].as_object_mut() {
                    headers.remove("idempotency-key");
                }
            }
        }
        event
    }
}

/// A bus that accepts every event.
async fn accept(body: String) -> Json<Value> {
    let request: Value = serde_json::from_str(&body).unwrap_or_default();
    let entries = request["Entries"].as_array().map_or(0, Vec::len);
    let entries: Vec<_> = (0..entries)
        .map(|number| json!({"EventId": number.to_string()}))
        .collect();
    Json(json!({"FailedEntryCount": 0, "Entries": entries}))
}
