//! The template as written: its sections and resources, with intrinsics still in place.

use std::collections::BTreeMap;

use yaml_serde::{Mapping, Value as Yaml};

use super::{
    error::{Result, TemplateError},
    unmodelled,
};

/// The transform that makes a template a SAM template.
const SAM: &str = "AWS::Serverless-2016-10-31";

/// A template in sections.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) parameters: Mapping,
    /// `Globals.Function`, which each function takes over what it does not say itself.
    pub(super) function_globals: Yaml,
    pub(super) resources: BTreeMap<String, Declared>,
    /// Without local meaning, and still resolved: a broken reference there would fail a deployment.
    pub(super) outputs: Yaml,
}

/// A resource as declared.
#[derive(Debug)]
pub(super) struct Declared {
    pub(super) kind: String,
    pub(super) properties: Yaml,
    pub(super) metadata: Yaml,
}

impl Document {
    /// Splits a template into its sections.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let yaml: Yaml = yaml_serde::from_str(text).map_err(|e| TemplateError::new("YAML", e))?;
        let mut document = Self {
            parameters: Mapping::new(),
            function_globals: Yaml::Mapping(Mapping::new()),
            resources: BTreeMap::new(),
            outputs: Yaml::Null,
        };
        for (section, content) in entries("the template", &yaml)? {
            match section {
                "Parameters" => document.parameters = mapping("Parameters", content)?.clone(),
                "Globals" => document.function_globals = function_globals(content)?,
                "Resources" => document.resources = resources(content)?,
                "Outputs" => document.outputs = content.clone(),
                "Transform" if content.as_str() == Some(SAM) => {}
                "Transform" => {
                    return Err(TemplateError::new("Transform", format!("must be {SAM}")));
                }
                known if unmodelled::SECTIONS.contains(&known) => {}
                unknown => {
                    return Err(TemplateError::new(
                        unknown,
                        "the emulator does not know this section",
                    ));
                }
            }
        }
        Ok(document)
    }
}

fn function_globals(globals: &Yaml) -> Result<Yaml> {
    let mut function = Yaml::Mapping(Mapping::new());
    for (kind, content) in entries("Globals", globals)? {
        if kind != "Function" {
            return Err(TemplateError::new(
                format!("Globals.{kind}"),
                "the emulator knows globals of functions only",
            ));
        }
        function = content.clone();
    }
    Ok(function)
}

fn resources(resources: &Yaml) -> Result<BTreeMap<String, Declared>> {
    entries("Resources", resources)?
        .into_iter()
        .map(|(id, content)| Ok((id.to_owned(), declared(id, content)?)))
        .collect()
}

fn declared(id: &str, resource: &Yaml) -> Result<Declared> {
    let mut kind = None;
    let mut properties = Yaml::Mapping(Mapping::new());
    let mut metadata = Yaml::Null;
    for (attribute, content) in entries(id, resource)? {
        match attribute {
            "Type" => kind = content.as_str().map(str::to_owned),
            "Properties" => properties = content.clone(),
            "Metadata" => metadata = content.clone(),
            known if unmodelled::ATTRIBUTES.contains(&known) => {}
            unknown => {
                return Err(TemplateError::new(
                    format!("{id}.{unknown}"),
                    "the emulator does not know this attribute of a resource",
                ));
            }
        }
    }
    let kind = kind.ok_or_else(|| TemplateError::new(id, "the resource has no Type"))?;
    Ok(Declared {
        kind,
        properties,
        metadata,
    })
}

/// The entries of a mapping, which must have strings for keys.
pub(super) fn entries<'a>(place: &str, yaml: &'a Yaml) -> Result<Vec<(&'a str, &'a Yaml)>> {
    mapping(place, yaml)?
        .iter()
        .map(|(key, value)| match key.as_str() {
            Some(key) => Ok((key, value)),
            None => Err(TemplateError::new(place, "every key must be a string")),
        })
        .collect()
}

fn mapping<'a>(place: &str, yaml: &'a Yaml) -> Result<&'a Mapping> {
    match yaml {
        Yaml::Mapping(mapping) => Ok(mapping),
        _ => Err(TemplateError::new(place, "must be a mapping")),
    }
}
