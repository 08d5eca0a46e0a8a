//! Intrinsic functions: from the YAML of the template to plain JSON.

use std::{cell::RefCell, collections::BTreeMap};

use serde_json::{Map, Value};
use yaml_serde::Value as Yaml;

use super::{
    document::{Declared, Document, entries},
    error::{Result, TemplateError},
    names,
};

/// What names in the template stand for.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    document: &'a Document,
    parameters: BTreeMap<String, Value>,
    /// Resources whose names are being resolved, to notice circles.
    naming: RefCell<Vec<String>>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(document: &'a Document, parameters: BTreeMap<String, Value>) -> Self {
        Self {
            document,
            parameters,
            naming: RefCell::default(),
        }
    }

    /// `yaml` without intrinsics. `place` says where it stands, for errors.
    pub(super) fn resolve(&self, place: &str, yaml: &Yaml) -> Result<Value> {
        match yaml {
            Yaml::Null => Ok(Value::Null),
            Yaml::Bool(flag) => Ok(Value::Bool(*flag)),
            Yaml::Number(number) => serde_json::to_value(number)
                .map_err(|e| TemplateError::new(place, format!("{number}: {e}"))),
            Yaml::String(text) => Ok(Value::String(text.clone())),
            Yaml::Sequence(items) => items
                .iter()
                .enumerate()
                .map(|(at, item)| self.resolve(&format!("{place}[{at}]"), item))
                .collect(),
            Yaml::Mapping(_) => self.resolve_mapping(place, yaml),
            Yaml::Tagged(tagged) => {
                let tag = tagged.tag.to_string();
                self.apply(place, tag.trim_start_matches('!'), &tagged.value)
            }
        }
    }

    /// A mapping: the long form of an intrinsic, or entries.
    fn resolve_mapping(&self, place: &str, yaml: &Yaml) -> Result<Value> {
        let entries = entries(place, yaml)?;
        if let [(key, argument)] = entries.as_slice() {
            if *key == "Ref" {
                return self.apply(place, key, argument);
            }
            if let Some(name) = key.strip_prefix("Fn::") {
                return self.apply(place, name, argument);
            }
        }
        entries
            .into_iter()
            .map(|(key, value)| {
                let value = self.resolve(&format!("{place}.{key}"), value)?;
                Ok((key.to_owned(), value))
            })
            .collect::<Result<Map<_, _>>>()
            .map(Value::Object)
    }

    fn apply(&self, place: &str, intrinsic: &str, argument: &Yaml) -> Result<Value> {
        match (intrinsic, argument) {
            ("Ref", Yaml::String(name)) => self.reference(place, name),
            ("GetAtt", Yaml::String(path)) => self.attribute(place, path),
            ("GetAtt", Yaml::Sequence(parts)) => {
                let parts: Vec<_> = parts.iter().filter_map(Yaml::as_str).collect();
                self.attribute(place, &parts.join("."))
            }
            ("Sub", Yaml::String(text)) => self.substitute(place, text),
            ("Ref" | "GetAtt" | "Sub", _) => Err(TemplateError::new(
                place,
                format!("cannot read the argument of {intrinsic}"),
            )),
            _ => Err(TemplateError::new(
                place,
                format!("the emulator does not know the intrinsic function {intrinsic}"),
            )),
        }
    }

    fn reference(&self, place: &str, name: &str) -> Result<Value> {
        if let Some(value) = self.parameters.get(name) {
            return Ok(value.clone());
        }
        if let Some(value) = names::pseudo_parameter(name) {
            return Ok(Value::String(value));
        }
        let resource = self.resource(place, name)?;
        let physical = self.physical_name(place, name)?;
        Ok(Value::String(names::reference(&resource.kind, &physical)))
    }

    fn attribute(&self, place: &str, path: &str) -> Result<Value> {
        let (id, attribute) = path
            .split_once('.')
            .ok_or_else(|| TemplateError::new(place, format!("`{path}` names no attribute")))?;
        let resource = self.resource(place, id)?;
        let physical = self.physical_name(place, id)?;
        names::attribute(&resource.kind, &physical, attribute)
            .map(Value::String)
            .ok_or_else(|| {
                let kind = &resource.kind;
                TemplateError::new(
                    place,
                    format!(
                        "the emulator does not know the attribute {attribute} of {id} ({kind})"
                    ),
                )
            })
    }

    /// `Fn::Sub`: `${Name}`, `${Resource.Attribute}`, and `${!Literal}`.
    fn substitute(&self, place: &str, text: &str) -> Result<Value> {
        let mut result = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after
                .split_once('}')
                .ok_or_else(|| TemplateError::new(place, format!("`{text}`: a }} is missing")))?;
            result.push_str(before);
            rest = after;
            if let Some(literal) = name.strip_prefix('!') {
                result.extend(["${", literal, "}"]);
                continue;
            }
            let value = if name.contains('.') {
                self.attribute(place, name)?
            } else {
                self.reference(place, name)?
            };
            match value {
                Value::String(value) => result.push_str(&value),
                value => result.push_str(&value.to_string()),
            }
        }
        result.push_str(rest);
        Ok(Value::String(result))
    }

    /// Name of a resource: the one its properties choose, or its logical id.
    pub(super) fn physical_name(&self, place: &str, id: &str) -> Result<String> {
        let resource = self.resource(place, id)?;
        let chosen = names::name_property(&resource.kind)
            .and_then(|property| Some((property, resource.properties.get(property)?)));
        let Some((property, chosen)) = chosen else {
            return Ok(id.to_owned());
        };
        if self.naming.borrow().iter().any(|name| name == id) {
            let problem = format!("the name of {id} depends on itself");
            return Err(TemplateError::new(place, problem));
        }
        self.naming.borrow_mut().push(id.to_owned());
        let place = format!("{id}.Properties.{property}");
        let name = self.resolve(&place, chosen);
        self.naming.borrow_mut().pop();
        match name? {
            Value::String(name) => Ok(name),
            _ => Err(TemplateError::new(place, "must be a text")),
        }
    }

    fn resource(&self, place: &str, id: &str) -> Result<&'a Declared> {
        self.document.resources.get(id).ok_or_else(|| {
            TemplateError::new(
                place,
                format!("the template has no parameter and no resource {id}"),
            )
        })
    }
}
