//! The template as written: its sections and resources, with intrinsic functions still in place.

use std::{collections::BTreeMap, path::Path};

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use yaml_serde::Value as Yaml;

use super::{
    build,
    error::{Result, TemplateError, typed, wrong},
    model::Model,
    parameters::{Overrides, Parameter},
    unmodelled,
};

/// A template as written, before parameters have values.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Template {
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

impl Template {
    /// Reads a template from a file.
    ///
    /// # Errors
    /// When there is no such file, or it is no template.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
        Self::parse(&text).with_context(|| format!("{shown}"))
    }

    /// Reads a template.
    ///
    /// # Errors
    /// When the text is no YAML, or has sections or resource attributes that are not known.
    pub fn parse(text: &str) -> Result<Self> {
        let yaml = yaml_serde::from_str(text).map_err(|e| TemplateError::new("YAML", e))?;
        Self::from_yaml(&yaml)
    }

    pub(super) fn from_yaml(yaml: &Yaml) -> Result<Self> {
        let mut template = long_form(yaml)?;
        unmodelled::strip("the template", &mut template);
        typed("", template)
    }

    /// Gives the parameters their values and says what the template then means.
    ///
    /// # Errors
    /// Names the first construct that is wrong, or that is not known here.
    pub fn resolve(&self, overrides: &Overrides) -> Result<Model> {
        build::model(self, overrides)
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
