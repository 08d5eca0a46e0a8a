//! What the template means on this machine.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use serde_json::Value;

use super::fields;
use crate::pattern::Pattern;

/// The bus every account has, which AWS services publish to.
pub const DEFAULT_BUS: &str = "default";

/// A template, resolved. Maps are keyed by logical id, and what refers to another resource has its
/// logical id too.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// The functions.
    pub functions: BTreeMap<String, Function>,
    /// Routes of the HTTP API.
    pub routes: Vec<Route>,
    /// Mappings from tables' streams to functions.
    pub streams: Vec<Mapping>,
    /// Rules on event buses.
    pub rules: Vec<Rule>,
    /// Schedules.
    pub schedules: Vec<Schedule>,
    /// Event buses: their names. The bus `default` always exists and is not among them.
    pub buses: BTreeMap<String, String>,
    /// Queues: their names.
    pub queues: BTreeMap<String, String>,
    /// Tables.
    pub tables: BTreeMap<String, Table>,
    /// Configuration sets of the mail service.
    pub configuration_sets: BTreeMap<String, ConfigurationSet>,
    /// What pages of other origins may do with the HTTP API.
    pub cors: Option<Cors>,
}

/// A function.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Function {
    /// Its name, which it sees as `AWS_LAMBDA_FUNCTION_NAME`.
    #[serde(skip)]
    pub name: String,
    /// The cargo binary that implements it.
    #[serde(rename = "Metadata", deserialize_with = "fields::binary")]
    pub binary: String,
    /// Longest time one event may take. Lambda's default is 3 s.
    #[serde(
        default = "Function::default_timeout",
        deserialize_with = "fields::seconds"
    )]
    pub timeout: Duration,
    /// Memory in MB. Not enforced; the function sees the number. Lambda's default is 128.
    #[serde(rename = "MemorySize", default = "Function::default_memory")]
    pub memory: u32,
    /// Environment variables of the template.
    #[serde(
        rename = "Environment",
        default,
        deserialize_with = "fields::variables"
    )]
    pub variables: BTreeMap<String, String>,
    /// How it should log.
    #[serde(rename = "LoggingConfig", default)]
    pub logging: Logging,
    /// What becomes of failed asynchronous invocations.
    #[serde(rename = "EventInvokeConfig", default)]
    pub asynchronous: AsyncPolicy,
    /// IAM statements: what the function may do, resolved.
    #[serde(skip)]
    pub statements: Vec<Value>,
}

impl Function {
    fn default_timeout() -> Duration {
        Duration::from_secs(3)
    }

    fn default_memory() -> u32 {
        128
    }
}

/// A function's `LoggingConfig`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Logging {
    /// `Text`, if nothing is said, or `JSON`.
    #[serde(rename = "LogFormat")]
    pub format: Option<String>,
    /// Level of its own lines, where the format is JSON.
    #[serde(rename = "ApplicationLogLevel")]
    pub level: Option<String>,
    /// Name of the log group, `/aws/lambda/<function>` if nothing is said.
    #[serde(rename = "LogGroup")]
    pub group: Option<String>,
}

/// A function's `EventInvokeConfig`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AsyncPolicy {
    /// Attempts after the first, 0 to 2.
    #[serde(
        rename = "MaximumRetryAttempts",
        deserialize_with = "fields::async_retries"
    )]
    pub retries: u32,
    /// Queue for what fails to the end.
    #[serde(rename = "DestinationConfig", deserialize_with = "fields::on_failure")]
    pub on_failure: Option<String>,
}

impl Default for AsyncPolicy {
    fn default() -> Self {
        Self {
            retries: 2,
            on_failure: None,
        }
    }
}

/// A route of the HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Method, `None` for any.
    pub method: Option<String>,
    /// Path with `{parameters}`, `None` for `$default`.
    pub path: Option<String>,
    /// Function that answers.
    pub function: String,
    /// The API.
    pub api: String,
}

/// An HTTP API's `CorsConfiguration`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase", default)]
pub struct Cors {
    /// Origins: `*`, `https://*`, `http://*`, or one by one.
    pub allow_origins: Vec<String>,
    /// Methods of requests.
    pub allow_methods: Vec<String>,
    /// Headers of requests.
    pub allow_headers: Vec<String>,
    /// Headers of answers which the pages may read.
    pub expose_headers: Vec<String>,
    /// Whether cookies and the like may come along.
    pub allow_credentials: bool,
    /// Seconds for which a browser may remember the answer to a preflight.
    pub max_age: Option<u32>,
}

/// A mapping from a table's stream to a function, from the oldest record on.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Mapping {
    /// A name of its own in the stack; in a folder of data its position is kept under it.
    #[serde(skip)]
    pub id: String,
    /// The table.
    #[serde(rename = "Stream")]
    pub table: String,
    /// Function that gets the records.
    #[serde(skip)]
    pub function: String,
    /// Most records in one batch. Lambda's default for streams is 100.
    #[serde(default = "Mapping::default_batch_size")]
    pub batch_size: usize,
    /// A record that matches any of them passes; all pass if there are none.
    #[serde(
        rename = "FilterCriteria",
        default,
        deserialize_with = "fields::filters"
    )]
    pub filters: Vec<Pattern>,
    /// Whether a failed batch is halved and tried again.
    #[serde(rename = "BisectBatchOnFunctionError", default)]
    pub bisect: bool,
    /// Attempts after the first, `None` until the record expires.
    #[serde(
        rename = "MaximumRetryAttempts",
        default,
        deserialize_with = "fields::limit"
    )]
    pub max_retries: Option<u32>,
    /// Age at which a record is given up, `None` for never.
    #[serde(
        rename = "MaximumRecordAgeInSeconds",
        default,
        deserialize_with = "fields::age"
    )]
    pub max_age: Option<Duration>,
    /// Whether the answer names the failed records (`ReportBatchItemFailures`).
    #[serde(
        rename = "FunctionResponseTypes",
        default,
        deserialize_with = "fields::reports_failures"
    )]
    pub report_batch_item_failures: bool,
    /// Queue for the positions of what fails to the end.
    #[serde(
        rename = "DestinationConfig",
        default,
        deserialize_with = "fields::on_failure"
    )]
    pub on_failure: Option<String>,
}

impl Mapping {
    fn default_batch_size() -> usize {
        100
    }
}

/// A rule: events of a bus that match a pattern go to a function.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Rule {
    /// Logical id of the function, a dot, and the name of its event source.
    #[serde(skip)]
    pub name: String,
    /// Name of the bus, not its logical id: events have it too.
    #[serde(rename = "EventBusName", default = "Rule::default_bus")]
    pub bus: String,
    /// Which events it takes.
    pub pattern: Pattern,
    /// Function that gets the events.
    #[serde(skip)]
    pub function: String,
    /// Queue for events that do not reach the function.
    #[serde(
        rename = "DeadLetterConfig",
        default,
        deserialize_with = "fields::dead_letter"
    )]
    pub dead_letter: Option<String>,
}

impl Rule {
    fn default_bus() -> String {
        DEFAULT_BUS.to_owned()
    }
}

/// A schedule.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Logical id of the function, a dot, and the name of its event source.
    #[serde(skip)]
    pub name: String,
    /// Time between two events.
    #[serde(rename = "Schedule", deserialize_with = "fields::rate")]
    pub period: Duration,
    /// Function that gets the events.
    #[serde(skip)]
    pub function: String,
}

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Its logical id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// `CreateTable`'s input but for the name, and `TimeToLiveSpecification`. A
    /// `StreamSpecification` is as `CloudFormation` has it: without `StreamEnabled`.
    pub properties: Value,
}

/// A configuration set of the mail service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigurationSet {
    /// Its name.
    #[serde(skip)]
    pub name: String,
    /// Whether mail may be sent with it.
    #[serde(
        rename = "SendingOptions",
        default = "ConfigurationSet::default_sending",
        deserialize_with = "fields::sending"
    )]
    pub sending: bool,
    /// Kinds of its events that go to the default bus, such as `SEND`.
    #[serde(skip)]
    pub event_kinds: Vec<String>,
}

impl ConfigurationSet {
    fn default_sending() -> bool {
        true
    }
}
