//! The template as written: its sections and resources, with intrinsic functions still in place.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use yaml_serde::Value as Yaml;

use super::{
    error::{Result, TemplateError, typed, wrong},
    parameters::Parameter,
    unmodelled,
};

/// A template in sections.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct Document {
    #[serde(rename = "Transform")]
    _transform: Option<Transform>,
    #[serde(default)]
    pub(super) parameters: BTreeMap<String, Parameter>,
    #[serde(default)]
    pub(super) conditions: BTreeMap<String, Value>,
    #[serde(default)]
    pub(super) mappings: Value,
    #[serde(default)]
    pub(super) globals: Globals,
    #[serde(default)]
    pub(super) resources: BTreeMap<String, Declared>,
    /// Without local meaning, and still resolved: a broken reference there would fail a deployment.
    #[serde(default)]
    pub(super) outputs: BTreeMap<String, Value>,
}

/// The transform that makes a template a SAM template.
#[derive(Debug, Deserialize)]
enum Transform {
    #[serde(rename = "AWS::Serverless-2016-10-31")]
    Sam,
}

/// What each resource of a type takes over if it does not say so itself.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase", default)]
pub(super) struct Globals {
    function: Value,
    http_api: Value,
}

impl Globals {
    /// The globals of resources of this type, if there are any.
    pub(super) fn of(&self, kind: &str) -> &Value {
        match kind {
            "AWS::Serverless::Function" => &self.function,
            "AWS::Serverless::HttpApi" => &self.http_api,
            _ => &Value::Null,
        }
    }
}

/// A resource as declared.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct Declared {
    #[serde(rename = "Type")]
    pub(super) kind: String,
    /// Name of the condition under which the resource is there.
    pub(super) condition: Option<String>,
    #[serde(default)]
    pub(super) properties: Map<String, Value>,
    #[serde(default)]
    pub(super) metadata: Value,
}

impl Document {
    /// Splits a template into its sections.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let yaml = yaml_serde::from_str(text).map_err(|e| TemplateError::new("YAML", e))?;
        Self::read(&yaml)
    }

    /// Splits a template, read as YAML, into its sections.
    pub(super) fn read(yaml: &Yaml) -> Result<Self> {
        let mut template = long_form(yaml)?;
        unmodelled::strip("the template", &mut template);
        typed("", template)
    }
}

/// YAML as JSON, with each short form of an intrinsic function (`!Ref X`) as the long one (`Ref: X`).
fn long_form(yaml: &Yaml) -> Result<Value> {
    Ok(match yaml {
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = match tag.trim_start_matches('!') {
                name @ ("Ref" | "Condition") => name.to_owned(),
                name => format!("Fn::{name}"),
            };
            json!({ name: long_form(&tagged.value)? })
        }
        Yaml::Sequence(items) => items.iter().map(long_form).collect::<Result<_>>()?,
        Yaml::Mapping(mapping) => mapping
            .iter()
            .map(|(key, value)| match key.as_str() {
                Some(key) => Ok((key.to_owned(), long_form(value)?)),
                None => wrong("YAML", format!("the key {key:?} must be a string")),
            })
            .collect::<Result<_>>()?,
        scalar => serde_json::to_value(scalar).map_err(|e| TemplateError::new("YAML", e))?,
    })
}
