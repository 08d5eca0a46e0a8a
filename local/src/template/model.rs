//! What the template means on this machine.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use serde_json::Value;

use super::names::Names;
use crate::pattern::Pattern;

/// A template, resolved. Maps are keyed by logical id.
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
    /// Policies that functions share: their IAM statements.
    pub managed_policies: BTreeMap<String, Vec<Value>>,
    /// What pages of other origins may do with the HTTP API.
    pub cors: Option<Cors>,
    /// Names and ARNs of all of them.
    pub names: Names,
}

/// A function.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its name, which it sees as `AWS_LAMBDA_FUNCTION_NAME`.
    pub name: String,
    /// The cargo binary that implements it.
    pub binary: String,
    /// Longest time one event may take.
    pub timeout: Duration,
    /// Memory in MB. Not enforced; the function sees the number.
    pub memory: u32,
    /// Environment variables of the template.
    pub variables: BTreeMap<String, String>,
    /// How it should log.
    pub logging: Logging,
    /// What becomes of failed asynchronous invocations.
    pub asynchronous: AsyncPolicy,
    /// IAM statements: what the function may do, resolved.
    pub statements: Vec<Value>,
}

/// A function's `LoggingConfig`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logging {
    /// `Text` or `JSON`.
    pub format: String,
    /// Level of its own lines, where the format is JSON.
    pub level: Option<String>,
    /// Name of the log group.
    pub group: String,
}

/// A function's `EventInvokeConfig`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsyncPolicy {
    /// Attempts after the first, 0 to 2.
    pub retries: u32,
    /// Logical id of the queue for what fails to the end.
    pub on_failure: Option<String>,
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
    /// Logical id of the API.
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

/// A mapping from a table's stream to a function.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    /// A name of its own in the stack; in a folder of data its position is kept under it.
    pub id: String,
    /// Logical id of the table.
    pub table: String,
    /// Function that gets the records.
    pub function: String,
    /// Most records in one batch.
    pub batch_size: usize,
    /// A record that matches any of them passes; all pass if there are none.
    pub filters: Vec<Pattern>,
    /// Whether a failed batch is halved and tried again.
    pub bisect: bool,
    /// Attempts after the first, `None` until the record expires.
    pub max_retries: Option<u32>,
    /// Age at which a record is given up, `None` for never.
    pub max_age: Option<Duration>,
    /// Whether the answer names the failed records (`ReportBatchItemFailures`).
    pub report_batch_item_failures: bool,
    /// Logical id of the queue for the positions of what fails to the end.
    pub on_failure: Option<String>,
}

/// A rule: events of a bus that match a pattern go to a function.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Logical id of the function, a dot, and the name of its event source.
    pub name: String,
    /// Name of the bus.
    pub bus: String,
    /// Which events it takes.
    pub pattern: Pattern,
    /// Function that gets the events.
    pub function: String,
    /// Logical id of the queue for events that do not reach the function.
    pub dead_letter: Option<String>,
}

/// A schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Logical id of the function, a dot, and the name of its event source.
    pub name: String,
    /// Time between two events.
    pub period: Duration,
    /// Function that gets the events.
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigurationSet {
    /// Its name.
    pub name: String,
    /// Whether mail may be sent with it.
    pub sending: bool,
    /// Kinds of its events that go to the default bus, such as `SEND`.
    pub event_kinds: Vec<String>,
}
