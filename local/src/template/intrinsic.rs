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
    pub(super) document: &'a Document,
    parameters: BTreeMap<String, Value>,
    /// Names and conditions that are being resolved, to notice circles.
    resolving: RefCell<Vec<String>>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(document: &'a Document, parameters: BTreeMap<String, Value>) -> Self {
        Self {
            document,
            parameters,
            resolving: RefCell::default(),
        }
    }

    /// `yaml` without intrinsics. `place` says where it stands, for errors.
    pub(super) fn resolve(&self, place: &str, yaml: &Yaml) -> Result<Value> {
        Ok(self.value(place, yaml)?.unwrap_or_default())
    }

    /// `yaml` as a text.
    pub(super) fn text(&self, place: &str, yaml: &Yaml) -> Result<String> {
        names::text(self.resolve(place, yaml)?)
            .ok_or_else(|| TemplateError::new(place, "must be a text"))
    }

    /// `None` where nothing is to stand: for `AWS::NoValue`.
    fn value(&self, place: &str, yaml: &Yaml) -> Result<Option<Value>> {
        if let Some((function, argument)) = call(yaml) {
            return self.apply(place, &function, argument);
        }
        Ok(Some(match yaml {
            Yaml::Null => Value::Null,
            Yaml::Bool(flag) => Value::Bool(*flag),
            Yaml::Number(number) => serde_json::to_value(number)
                .map_err(|e| TemplateError::new(place, format!("{number}: {e}")))?,
            Yaml::String(text) => Value::String(text.clone()),
            Yaml::Sequence(items) => {
                let mut values = Vec::new();
                for (at, item) in items.iter().enumerate() {
                    values.extend(self.value(&format!("{place}[{at}]"), item)?);
                }
                Value::Array(values)
            }
            Yaml::Mapping(_) | Yaml::Tagged(_) => {
                let mut values = Map::new();
                for (key, item) in entries(place, yaml)? {
                    let value = self.value(&format!("{place}.{key}"), item)?;
                    values.extend(value.map(|value| (key.to_owned(), value)));
                }
                Value::Object(values)
            }
        }))
    }

    fn apply(&self, place: &str, function: &str, argument: &Yaml) -> Result<Option<Value>> {
        let arguments = argument.as_sequence().map_or(&[][..], Vec::as_slice);
        match (function, argument, arguments) {
            ("Ref", Yaml::String(name), _) if name == "AWS::NoValue" => Ok(None),
            ("Ref", Yaml::String(name), _) => self.reference(place, name).map(Some),
            ("GetAtt", Yaml::String(path), _) => self.attribute(place, path).map(Some),
            ("GetAtt", _, [Yaml::String(id), Yaml::String(attribute)]) => self
                .attribute(place, &format!("{id}.{attribute}"))
                .map(Some),
            ("Sub", Yaml::String(text), _) => self.substitute(place, text).map(Some),
            ("If", _, [Yaml::String(condition), then, otherwise]) => {
                let holds = self.condition(place, condition)?;
                self.value(place, if holds { then } else { otherwise })
            }
            ("Join", _, [Yaml::String(delimiter), list]) => {
                self.join(place, delimiter, list).map(Some)
            }
            ("FindInMap", _, [map, first, second]) => {
                self.find_in_map(place, [map, first, second]).map(Some)
            }
            ("Ref" | "GetAtt" | "Sub" | "If" | "Join" | "FindInMap", ..) => {
                let problem = format!("cannot read the argument of {function}");
                Err(TemplateError::new(place, problem))
            }
            _ => {
                let problem =
                    format!("the emulator does not know the intrinsic function {function}");
                Err(TemplateError::new(place, problem))
            }
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

    fn join(&self, place: &str, delimiter: &str, list: &Yaml) -> Result<Value> {
        let Value::Array(values) = self.resolve(place, list)? else {
            return Err(TemplateError::new(place, "Join takes a list"));
        };
        let texts: Option<Vec<_>> = values.into_iter().map(names::text).collect();
        let texts = texts.ok_or_else(|| TemplateError::new(place, "Join takes texts"))?;
        Ok(Value::String(texts.join(delimiter)))
    }

    fn find_in_map(&self, place: &str, keys: [&Yaml; 3]) -> Result<Value> {
        let mut found = &self.document.mappings;
        for key in keys {
            let key = self.text(place, key)?;
            found = found
                .get(&key)
                .ok_or_else(|| TemplateError::new(place, format!("Mappings has no {key} there")))?;
        }
        self.resolve(place, found)
    }

    /// Name of a resource: the one its properties choose, or its logical id.
    pub(super) fn physical_name(&self, place: &str, id: &str) -> Result<String> {
        let resource = self.resource(place, id)?;
        let chosen = names::name_property(&resource.kind)
            .and_then(|property| Some((property, resource.properties.get(property)?)));
        let Some((property, chosen)) = chosen else {
            return Ok(id.to_owned());
        };
        let name = self.once(place, format!("the name of {id}"), || {
            self.value(&format!("{id}.Properties.{property}"), chosen)
        })?;
        match name {
            None => Ok(id.to_owned()),
            Some(Value::String(name)) => Ok(name),
            Some(_) => {
                let place = format!("{id}.Properties.{property}");
                Err(TemplateError::new(place, "must be a text"))
            }
        }
    }

    /// A resource of the template which is there: its condition holds.
    fn resource(&self, place: &str, id: &str) -> Result<&'a Declared> {
        let declared = self.document.resources.get(id).ok_or_else(|| {
            let problem = format!("the template has no parameter and no resource {id}");
            TemplateError::new(place, problem)
        })?;
        match &declared.condition {
            Some(condition) if !self.condition(place, condition)? => {
                let problem = format!("{id} is not there: the condition {condition} does not hold");
                Err(TemplateError::new(place, problem))
            }
            _ => Ok(declared),
        }
    }

    /// Does what `what` needs, unless that needs `what` itself.
    pub(super) fn once<T>(
        &self,
        place: &str,
        what: String,
        resolve: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        if self.resolving.borrow().contains(&what) {
            return Err(TemplateError::new(
                place,
                format!("{what} depends on itself"),
            ));
        }
        self.resolving.borrow_mut().push(what);
        let resolved = resolve();
        self.resolving.borrow_mut().pop();
        resolved
    }
}

/// The intrinsic function that `yaml` calls, in its short or its long form, with its argument.
pub(super) fn call(yaml: &Yaml) -> Option<(String, &Yaml)> {
    match yaml {
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            Some((tag.trim_start_matches('!').to_owned(), &tagged.value))
        }
        Yaml::Mapping(mapping) if mapping.len() == 1 => {
            let (key, argument) = mapping.iter().next()?;
            match key.as_str()? {
                "Ref" => Some(("Ref".to_owned(), argument)),
                key => Some((key.strip_prefix("Fn::")?.to_owned(), argument)),
            }
        }
        _ => None,
    }
}
