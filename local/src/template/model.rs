//! What the template means on this machine: resources and event sources as it has them, with values
//! in place of intrinsic functions, and logical ids where one refers to another.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use serde_json::Value;

use super::{fields, resource::Cors};
use crate::pattern::Pattern;

/// The bus every account has, which AWS services publish to.
pub const DEFAULT_BUS: &str = "default";

/// A template, resolved. Maps are keyed by logical id.
#[derive(Debug, Clone, Default)]
pub struct Model {
    pub functions: BTreeMap<String, Function>,
    pub routes: Vec<Route>,
    pub streams: Vec<Mapping>,
    pub rules: Vec<Rule>,
    pub schedules: Vec<Schedule>,
    /// Event buses: their names. The bus `default` always exists and is not among them.
    pub buses: BTreeMap<String, String>,
    pub queues: BTreeMap<String, Queue>,
    /// From queues to functions.
    pub queue_mappings: Vec<QueueMapping>,
    pub tables: BTreeMap<String, Table>,
    /// Configuration sets of the mail service.
    pub configuration_sets: BTreeMap<String, ConfigurationSet>,
    /// What pages of other origins may do with the HTTP API.
    pub cors: Option<Cors>,
}

impl Model {
    /// The same without anything that invokes a function.
    pub(crate) fn without_event_sources(self) -> Self {
        Self {
            routes: Vec::new(),
            streams: Vec::new(),
            queue_mappings: Vec::new(),
            rules: Vec::new(),
            schedules: Vec::new(),
            ..self
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Function {
    /// Its name, which it sees as `AWS_LAMBDA_FUNCTION_NAME`.
    #[serde(skip)]
    pub name: String,
    pub metadata: Metadata,
    /// Seconds which one event may take. Lambda's default is 3.
    #[serde(default = "fields::default_timeout")]
    pub timeout: u64,
    /// MB. Not enforced; the function sees the number. Lambda's default is 128.
    #[serde(default = "fields::default_memory")]
    pub memory_size: u32,
    #[serde(default)]
    pub environment: Environment,
    #[serde(default)]
    pub logging_config: LoggingConfig,
    /// What becomes of failed asynchronous invocations.
    #[serde(default)]
    pub event_invoke_config: EventInvokeConfig,
    /// IAM statements: what the function may do.
    #[serde(skip)]
    pub statements: Vec<Value>,
}

impl Function {
    /// The cargo binary that implements it.
    pub fn binary(&self) -> &str {
        &self.metadata.build_properties.binary
    }
}

/// How a function is built.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Metadata {
    pub build_method: BuildMethod,
    pub build_properties: BuildProperties,
}

#[derive(Debug, Clone, Deserialize)]
pub enum BuildMethod {
    #[serde(rename = "rust-cargolambda")]
    CargoLambda,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct BuildProperties {
    pub binary: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Environment {
    #[serde(deserialize_with = "fields::texts")]
    pub variables: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct LoggingConfig {
    /// `Text`, which is the default, or `JSON`.
    pub log_format: Option<String>,
    /// Of the function's own lines, where the format is JSON.
    pub application_log_level: Option<String>,
    /// `/aws/lambda/<function>` by default.
    pub log_group: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct EventInvokeConfig {
    /// Attempts after the first, 0 to 2. Lambda's default is 2.
    #[serde(default, deserialize_with = "fields::async_retries")]
    pub maximum_retry_attempts: Option<u32>,
    /// For what fails to the end.
    pub destination_config: Option<DestinationConfig>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct DestinationConfig {
    pub on_failure: OnFailure,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct OnFailure {
    /// A queue.
    pub destination: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Method, `None` for any.
    pub method: Option<String>,
    /// Path with `{parameters}`, `None` for `$default`.
    pub path: Option<String>,
    pub function: String,
    pub api: String,
}

/// A mapping from a table's stream to a function, from the oldest record on.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Mapping {
    /// A name of its own in the stack; in a folder of data its position is kept under it.
    #[serde(skip)]
    pub id: String,
    #[serde(rename = "Stream")]
    pub table: String,
    #[serde(skip)]
    pub function: String,
    /// Most records in one batch. Lambda's default for streams is 100.
    #[serde(default = "fields::default_batch_size")]
    pub batch_size: usize,
    #[serde(default)]
    pub filter_criteria: FilterCriteria,
    /// Whether a failed batch is halved and tried again.
    #[serde(default)]
    pub bisect_batch_on_function_error: bool,
    /// Attempts after the first; none or -1: until the record expires.
    pub maximum_retry_attempts: Option<i64>,
    /// Age at which a record is given up; none or -1: never.
    pub maximum_record_age_in_seconds: Option<i64>,
    #[serde(default)]
    pub function_response_types: Vec<ResponseType>,
    /// For the positions of what fails to the end.
    pub destination_config: Option<DestinationConfig>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct FilterCriteria {
    /// A record that matches any of them passes; all pass if there are none.
    pub filters: Vec<Filter>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Filter {
    #[serde(deserialize_with = "fields::json_text")]
    pub pattern: Pattern,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub enum ResponseType {
    /// The answer names the failed records.
    ReportBatchItemFailures,
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Queue {
    #[serde(skip)]
    pub name: String,
    /// Seconds for which a message is invisible once it was received.
    #[serde(default = "fields::default_visibility")]
    pub visibility_timeout: u64,
    /// Seconds before a new message can be received.
    #[serde(default)]
    pub delay_seconds: u64,
    /// Seconds after which a message is gone.
    #[serde(default = "fields::default_retention")]
    pub message_retention_period: u64,
    pub redrive_policy: Option<RedrivePolicy>,
}

/// When a message goes to another queue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RedrivePolicy {
    /// A queue.
    #[serde(rename = "deadLetterTargetArn")]
    pub dead_letter_target: String,
    /// Receipts after which it does.
    pub max_receive_count: u32,
}

/// A mapping from a queue to a function.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct QueueMapping {
    pub queue: String,
    #[serde(skip)]
    pub function: String,
    /// Most messages in one batch. Lambda's default for queues is 10.
    #[serde(default = "fields::default_queue_batch_size")]
    pub batch_size: usize,
    #[serde(default)]
    pub function_response_types: Vec<ResponseType>,
    pub scaling_config: Option<ScalingConfig>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct ScalingConfig {
    /// Most batches at the same time.
    pub maximum_concurrency: usize,
}

impl QueueMapping {
    /// How many batches are with the function at the same time: five, unless there is a limit below.
    /// Lambda begins with five pollers.
    pub fn workers(&self) -> usize {
        let most = self.scaling_config.as_ref();
        most.map_or(5, |config| config.maximum_concurrency.min(5))
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
    #[serde(rename = "EventBusName", default = "fields::default_bus")]
    pub bus: String,
    pub pattern: Pattern,
    #[serde(skip)]
    pub function: String,
    /// For events that do not reach the function.
    pub dead_letter_config: Option<DeadLetterConfig>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct DeadLetterConfig {
    /// A queue.
    #[serde(rename = "Arn")]
    pub queue: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Logical id of the function, a dot, and the name of its event source.
    #[serde(skip)]
    pub name: String,
    /// Time between two events.
    #[serde(rename = "Schedule", deserialize_with = "fields::rate")]
    pub period: Duration,
    #[serde(skip)]
    pub function: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub id: String,
    pub name: String,
    pub arn: String,
    /// `CreateTable`'s input but for the name, and `TimeToLiveSpecification`. A
    /// `StreamSpecification` is as `CloudFormation` has it: without `StreamEnabled`.
    pub properties: Value,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct ConfigurationSet {
    #[serde(skip)]
    pub name: String,
    #[serde(default)]
    pub sending_options: SendingOptions,
    /// Kinds of its events that go to the default bus, such as `SEND`.
    #[serde(skip)]
    pub event_kinds: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct SendingOptions {
    pub sending_enabled: bool,
}

impl Default for SendingOptions {
    fn default() -> Self {
        Self {
            sending_enabled: true,
        }
    }
}
