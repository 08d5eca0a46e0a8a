//! Tables, buses, queues, the API and what the mail service reports.

use serde::Deserialize;
use serde_json::Value;

use super::{
    error::{Result, typed, wrong},
    model::{DEFAULT_BUS, Model, Table},
    names,
};

/// Properties of a table. They go on to the database as they are: this type only makes sure that
/// each is one whose meaning is known.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
#[expect(dead_code, reason = "checked, and never read")]
struct TableProperties {
    attribute_definitions: Vec<Value>,
    key_schema: Vec<Value>,
    billing_mode: Option<String>,
    provisioned_throughput: Option<Value>,
    #[serde(default)]
    global_secondary_indexes: Vec<Index>,
    #[serde(default)]
    local_secondary_indexes: Vec<Index>,
    stream_specification: Option<StreamSpecification>,
    time_to_live_specification: Option<TimeToLive>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
#[expect(dead_code, reason = "checked, and never read")]
struct Index {
    #[serde(rename = "IndexName")]
    name: String,
    key_schema: Vec<Value>,
    projection: Value,
    provisioned_throughput: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
#[expect(dead_code, reason = "checked, and never read")]
struct StreamSpecification {
    stream_view_type: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
#[expect(dead_code, reason = "checked, and never read")]
struct TimeToLive {
    attribute_name: Option<String>,
    enabled: bool,
}

pub(super) fn table(place: &str, id: &str, name: String, properties: Value) -> Result<Table> {
    let _known: TableProperties = typed(place, properties.clone())?;
    let arn = names::attribute("AWS::DynamoDB::Table", &name, "Arn").unwrap_or_default();
    Ok(Table {
        id: id.to_owned(),
        name,
        arn,
        properties,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Checks a resource that may choose its name and nothing else.
pub(super) fn nothing(place: &str, properties: Value) -> Result<()> {
    let Nothing {} = typed(place, properties)?;
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct HttpApiProperties {
    cors_configuration: Option<Cors>,
}

/// An HTTP API's `CorsConfiguration`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase", default)]
pub struct Cors {
    /// Origins: `*`, `https://*`, `http://*`, or one by one.
    pub allow_origins: Vec<String>,
    pub allow_methods: Vec<String>,
    pub allow_headers: Vec<String>,
    /// Headers of answers which the pages may read.
    pub expose_headers: Vec<String>,
    /// Whether cookies and the like may come along.
    pub allow_credentials: bool,
    /// Seconds for which a browser may remember the answer to a preflight.
    pub max_age: Option<u32>,
}

/// Adds what the API says beside its routes.
pub(super) fn http_api(model: &mut Model, place: &str, properties: Value) -> Result<()> {
    let properties: HttpApiProperties = typed(place, properties)?;
    let Some(cors) = properties.cors_configuration else {
        return Ok(());
    };
    match model.cors.replace(cors) {
        None => Ok(()),
        // The routes of all APIs answer at one port.
        Some(_) => wrong(format!("{place}.CorsConfiguration"), "another API has one"),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct EventDestinationProperties {
    configuration_set_name: String,
    event_destination: Destination,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Destination {
    #[serde(rename = "Name")]
    _name: Option<String>,
    enabled: bool,
    matching_event_types: Vec<String>,
    #[serde(rename = "EventBridgeDestination")]
    event_bridge: EventBridgeDestination,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct EventBridgeDestination {
    event_bus_arn: String,
}

/// Adds an event destination to its configuration set.
pub(super) fn event_destination(model: &mut Model, place: &str, properties: Value) -> Result<()> {
    let properties: EventDestinationProperties = typed(place, properties)?;
    let destination = properties.event_destination;
    if destination.event_bridge.event_bus_arn != DEFAULT_BUS {
        let place = format!("{place}.EventDestination.EventBridgeDestination.EventBusArn");
        return wrong(place, "the mail service reports to the default bus only");
    }
    let set = &properties.configuration_set_name;
    if let Some(set) = model.configuration_sets.get_mut(set)
        && destination.enabled
    {
        set.event_kinds.extend(destination.matching_event_types);
    }
    Ok(())
}
