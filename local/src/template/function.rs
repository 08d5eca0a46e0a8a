//! Functions and what `Globals` gives them.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    build::{Context, typed},
    error::{Result, TemplateError},
    model::{AsyncPolicy, Function, Logging, Model},
    names, policy,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Properties {
    runtime: String,
    /// Seconds. Lambda's default is 3.
    #[serde(default = "default_timeout")]
    timeout: u64,
    /// MB. Lambda's default is 128.
    #[serde(default = "default_memory")]
    memory_size: u32,
    #[serde(default)]
    environment: Environment,
    #[serde(default)]
    logging_config: LoggingConfig,
    #[serde(default)]
    event_invoke_config: EventInvokeConfig,
    #[serde(default)]
    policies: Value,
    #[serde(default)]
    events: BTreeMap<String, Value>,
}

fn default_timeout() -> u64 {
    3
}

fn default_memory() -> u32 {
    128
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Environment {
    variables: Map<String, Value>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct LoggingConfig {
    log_format: Option<String>,
    application_log_level: Option<String>,
    log_group: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct EventInvokeConfig {
    maximum_retry_attempts: Option<u32>,
    destination_config: Option<DestinationConfig>,
}

/// Where to send what failed to the end.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct DestinationConfig {
    on_failure: OnFailure,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct OnFailure {
    destination: String,
}

impl DestinationConfig {
    /// Logical id of the queue.
    pub(super) fn queue(&self, context: &Context<'_>, place: &str) -> Result<String> {
        let place = format!("{place}.DestinationConfig.OnFailure.Destination");
        context.queue(&place, &self.on_failure.destination)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Metadata {
    build_method: BuildMethod,
    build_properties: BuildProperties,
}

/// The one build method known here.
#[derive(Deserialize)]
enum BuildMethod {
    #[serde(rename = "rust-cargolambda")]
    CargoLambda,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct BuildProperties {
    binary: String,
}

/// The event sources of a function, by name, still to be read.
pub(super) type Events = BTreeMap<String, Value>;

/// The function `id` and its event sources.
pub(super) fn function(
    context: &Context<'_>,
    model: &Model,
    id: &str,
    name: String,
    properties: Value,
    metadata: Value,
) -> Result<(Function, Events)> {
    let place = format!("{id}.Properties");
    let properties: Properties = typed(&place, properties)?;
    if !properties.runtime.starts_with("provided.") {
        return Err(TemplateError::new(
            format!("{place}.Runtime"),
            format!("`{}`: the emulator runs binaries only", properties.runtime),
        ));
    }
    let Metadata {
        build_method: BuildMethod::CargoLambda,
        build_properties,
    } = typed(&format!("{id}.Metadata"), metadata)?;
    let function = Function {
        binary: build_properties.binary,
        timeout: Duration::from_secs(properties.timeout),
        memory: properties.memory_size,
        variables: variables(&place, properties.environment.variables)?,
        logging: logging(&name, properties.logging_config),
        asynchronous: asynchronous(context, &place, properties.event_invoke_config)?,
        statements: policy::of_function(context, model, &place, properties.policies)?,
        name,
    };
    Ok((function, properties.events))
}

fn variables(place: &str, variables: Map<String, Value>) -> Result<BTreeMap<String, String>> {
    variables
        .into_iter()
        .map(|(name, value)| {
            let text = names::text(value).ok_or_else(|| {
                let place = format!("{place}.Environment.Variables.{name}");
                TemplateError::new(place, "must be a text")
            })?;
            Ok((name, text))
        })
        .collect()
}

fn logging(name: &str, config: LoggingConfig) -> Logging {
    let default_group = format!("/aws/lambda/{name}");
    Logging {
        format: config.log_format.unwrap_or_else(|| "Text".to_owned()),
        level: config.application_log_level,
        group: config.log_group.unwrap_or(default_group),
    }
}

/// Lambda tries a failed asynchronous invocation twice more unless configured otherwise.
const DEFAULT_RETRIES: u32 = 2;

fn asynchronous(
    context: &Context<'_>,
    place: &str,
    config: EventInvokeConfig,
) -> Result<AsyncPolicy> {
    let place = format!("{place}.EventInvokeConfig");
    let retries = config.maximum_retry_attempts.unwrap_or(DEFAULT_RETRIES);
    if retries > DEFAULT_RETRIES {
        let place = format!("{place}.MaximumRetryAttempts");
        return Err(TemplateError::new(place, "Lambda allows 0 to 2"));
    }
    let destination = config.destination_config;
    let queue = destination.map(|destination| destination.queue(context, &place));
    Ok(AsyncPolicy {
        retries,
        on_failure: queue.transpose()?,
    })
}
