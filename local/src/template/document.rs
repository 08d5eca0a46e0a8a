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
    pub(super) conditions: Mapping,
    pub(super) mappings: Yaml,
    /// By type, what each resource of it takes over if it does not say so itself.
    pub(super) globals: BTreeMap<String, Yaml>,
    pub(super) resources: BTreeMap<String, Declared>,
    /// Without local meaning, and still resolved: a broken reference there would fail a deployment.
    pub(super) outputs: Yaml,
}

/// A resource as declared.
#[derive(Debug)]
pub(super) struct Declared {
    pub(super) kind: String,
    /// Name of the condition under which the resource is there.
    pub(super) condition: Option<String>,
    pub(super) properties: Yaml,
    pub(super) metadata: Yaml,
}

impl Document {
    /// Splits a template into its sections.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let yaml = yaml_serde::from_str(text).map_err(|e| TemplateError::new("YAML", e))?;
        Self::read(&yaml)
    }

    /// Splits a template, read as YAML, into its sections.
    pub(super) fn read(yaml: &Yaml) -> Result<Self> {
        let mut document = Self {
            parameters: Mapping::new(),
            conditions: Mapping::new(),
            mappings: Yaml::Null,
            globals: BTreeMap::new(),
            resources: BTreeMap::new(),
            outputs: Yaml::Mapping(Mapping::new()),
        };
        for (section, content) in entries("the template", yaml)? {
            match section {
                "Parameters" => document.parameters = mapping("Parameters", content)?.clone(),
                "Conditions" => document.conditions = mapping("Conditions", content)?.clone(),
                "Mappings" => document.mappings = content.clone(),
                "Globals" => document.globals = globals(content)?,
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

fn globals(globals: &Yaml) -> Result<BTreeMap<String, Yaml>> {
    let of = |(kind, content): (&str, &Yaml)| match kind {
        "Function" | "HttpApi" => Ok((format!("AWS::Serverless::{kind}"), content.clone())),
        _ => Err(TemplateError::new(
            format!("Globals.{kind}"),
            "the emulator knows globals of Function and HttpApi only",
        )),
    };
    entries("Globals", globals)?.into_iter().map(of).collect()
}

fn resources(resources: &Yaml) -> Result<BTreeMap<String, Declared>> {
    entries("Resources", resources)?
        .into_iter()
        .map(|(id, content)| Ok((id.to_owned(), declared(id, content)?)))
        .collect()
}

fn declared(id: &str, resource: &Yaml) -> Result<Declared> {
    let mut kind = None;
    let mut condition = None;
    let mut properties = Yaml::Mapping(Mapping::new());
    let mut metadata = Yaml::Null;
    for (attribute, content) in entries(id, resource)? {
        match attribute {
            "Type" => kind = content.as_str().map(str::to_owned),
            "Properties" => properties = content.clone(),
            "Metadata" => metadata = content.clone(),
            "Condition" if content.is_string() => condition = content.as_str().map(str::to_owned),
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
        condition,
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
