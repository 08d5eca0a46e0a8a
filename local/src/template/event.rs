//! Event sources of functions.

use serde::Deserialize;
use serde_json::Value;

use super::{
    build::Context,
    error::{Result, typed, wrong},
    model::{Mapping, Model, QueueMapping, Route, Rule, Schedule},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Source {
    r#type: String,
    #[serde(default)]
    properties: Value,
}

/// Adds the event source `source` of `function` to the model.
pub(super) fn add(
    context: &Context<'_>,
    model: &mut Model,
    function: &str,
    source: &str,
    declared: Value,
) -> Result<()> {
    let name = format!("{function}.{source}");
    let function = function.to_owned();
    let place = format!("{function}.Properties.Events.{source}");
    let Source {
        r#type,
        mut properties,
    } = typed(&place, declared)?;
    let own = format!("{place}.Properties");
    let kind = format!("AWS::Serverless::Function/{type}");
    context.prepare(&kind, &own, &mut properties)?;
    match r#type.as_str() {
        "HttpApi" => {
            let route = route(&own, function, properties)?;
            let mut others = model.routes.iter();
            if others.any(|other| other.method == route.method && other.path == route.path) {
                return wrong(place, "another function has this route");
            }
            model.routes.push(route);
        }
        "DynamoDB" => {
            let mapping: Mapping = typed(&own, properties)?;
            model.streams.push(Mapping {
                id: format!("{function}.{}", mapping.table),
                function,
                ..mapping
            });
        }
        "SQS" => model.queue_mappings.push(QueueMapping {
            function,
            ..typed(&own, properties)?
        }),
        "EventBridgeRule" => model.rules.push(Rule {
            name,
            function,
            ..typed(&own, properties)?
        }),
        "Schedule" => model.schedules.push(Schedule {
            name,
            function,
            ..typed(&own, properties)?
        }),
        unknown => {
            let problem = format!("the emulator does not know the event type {unknown}");
            return wrong(place, problem);
        }
    }
    Ok(())
}

/// Refuses what Lambda refuses: messages that come again while a function may still have them.
pub(super) fn check_queues(model: &Model) -> Result<()> {
    for QueueMapping {
        queue, function, ..
    } in &model.queue_mappings
    {
        let visible_after = model.queues[queue].visibility_timeout;
        let timeout = model.functions[function].timeout;
        if visible_after < timeout {
            let problem = format!(
                "its visibility timeout, {visible_after} seconds, is less than the timeout of {function}, {timeout} seconds"
            );
            return wrong(queue, problem);
        }
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct RouteProperties {
    api_id: String,
    method: Option<String>,
    path: Option<String>,
}

fn route(place: &str, function: String, properties: Value) -> Result<Route> {
    let properties: RouteProperties = typed(place, properties)?;
    let (path, method) = match (properties.path, properties.method) {
        (Some(path), Some(method)) => (Some(path), method.to_ascii_uppercase()),
        // SAM makes the `$default` route of a source that has neither.
        (None, None) => (None, "ANY".to_owned()),
        _ => return wrong(place, "Path and Method belong together"),
    };
    Ok(Route {
        path: path.filter(|path| path != "$default"),
        method: Some(method).filter(|method| method != "ANY"),
        function,
        api: properties.api_id,
    })
}
