//! Intrinsic functions: what stands in the template becomes plain values.

use std::{cell::RefCell, collections::BTreeMap};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    document::{Declared, Template},
    error::{Result, TemplateError, wrong},
    names,
};

/// What names in the template stand for.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    pub(super) template: &'a Template,
    parameters: BTreeMap<String, Value>,
    /// Names and conditions that are being resolved, to notice circles.
    resolving: RefCell<Vec<String>>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(template: &'a Template, parameters: BTreeMap<String, Value>) -> Self {
        Self {
            template,
            parameters,
            resolving: RefCell::default(),
        }
    }

    /// `value` without intrinsic functions. `place` says where it stands, for errors.
    pub(super) fn resolve(&self, place: &str, value: &Value) -> Result<Value> {
        Ok(self.value(place, value)?.unwrap_or_default())
    }

    /// `value` as a text.
    pub(super) fn text(&self, place: &str, value: &Value) -> Result<String> {
        names::text(self.resolve(place, value)?)
            .ok_or_else(|| TemplateError::new(place, "must be a text"))
    }

    /// `None` where nothing is to stand: for `AWS::NoValue`.
    fn value(&self, place: &str, value: &Value) -> Result<Option<Value>> {
        Ok(Some(match value {
            Value::Array(items) => {
                let mut values = Vec::new();
                for (at, item) in items.iter().enumerate() {
                    values.extend(self.value(&format!("{place}[{at}]"), item)?);
                }
                Value::Array(values)
            }
            Value::Object(members) => {
                if let Some((function, argument)) = call(members) {
                    return self.apply(place, function, argument);
                }
                self.members(place, members)?
            }
            scalar => scalar.clone(),
        }))
    }

    /// `members` without intrinsic functions.
    pub(super) fn members(&self, place: &str, members: &Map<String, Value>) -> Result<Value> {
        let mut values = Map::new();
        for (key, member) in members {
            let value = self.value(&format!("{place}.{key}"), member)?;
            values.extend(value.map(|value| (key.clone(), value)));
        }
        Ok(Value::Object(values))
    }

    fn apply(&self, place: &str, function: &str, argument: &Value) -> Result<Option<Value>> {
        let text = match function {
            "Ref" => {
                let name: String = arguments(place, function, argument)?;
                if name == "AWS::NoValue" {
                    return Ok(None);
                }
                return self.reference(place, &name).map(Some);
            }
            "Fn::If" => {
                let (condition, then, otherwise): (String, Value, Value) =
                    arguments(place, function, argument)?;
                let holds = self.condition(place, &condition)?;
                return self.value(place, if holds { &then } else { &otherwise });
            }
            "Fn::FindInMap" => {
                let keys: [Value; 3] = arguments(place, function, argument)?;
                return self.find_in_map(place, &keys).map(Some);
            }
            "Fn::Split" => {
                let (delimiter, text): (String, Value) = arguments(place, function, argument)?;
                let text = self.text(place, &text)?;
                return Ok(Some(text.split(&delimiter).collect()));
            }
            "Fn::GetAtt" => {
                if let Some(path) = argument.as_str() {
                    self.attribute(place, path)?
                } else {
                    let path: [String; 2] = arguments(place, function, argument)?;
                    self.attribute(place, &path.join("."))?
                }
            }
            "Fn::Sub" => {
                let text: String = arguments(place, function, argument)?;
                self.substitute(place, &text)?
            }
            "Fn::Join" => {
                let (delimiter, list): (String, Value) = arguments(place, function, argument)?;
                self.join(place, &delimiter, &list)?
            }
            unknown => {
                let name = unknown.trim_start_matches("Fn::");
                let problem = format!("the emulator does not know the intrinsic function {name}");
                return wrong(place, problem);
            }
        };
        Ok(Some(Value::String(text)))
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

    fn attribute(&self, place: &str, path: &str) -> Result<String> {
        let (id, attribute) = path
            .split_once('.')
            .ok_or_else(|| TemplateError::new(place, format!("`{path}` names no attribute")))?;
        let kind = &self.resource(place, id)?.kind;
        let physical = self.physical_name(place, id)?;
        names::attribute(kind, &physical, attribute).ok_or_else(|| {
            let problem =
                format!("the emulator does not know the attribute {attribute} of {id} ({kind})");
            TemplateError::new(place, problem)
        })
    }

    /// `Fn::Sub`: `${Name}`, `${Resource.Attribute}`, and `${!Literal}`.
    fn substitute(&self, place: &str, text: &str) -> Result<String> {
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
            } else if name.contains('.') {
                result.push_str(&self.attribute(place, name)?);
            } else {
                match self.reference(place, name)? {
                    Value::String(value) => result.push_str(&value),
                    value => result.push_str(&value.to_string()),
                }
            }
        }
        result.push_str(rest);
        Ok(result)
    }

    fn join(&self, place: &str, delimiter: &str, list: &Value) -> Result<String> {
        let Value::Array(values) = self.resolve(place, list)? else {
            return wrong(place, "Join takes a list");
        };
        let texts: Option<Vec<_>> = values.into_iter().map(names::text).collect();
        let texts = texts.ok_or_else(|| TemplateError::new(place, "Join takes texts"))?;
        Ok(texts.join(delimiter))
    }

    fn find_in_map(&self, place: &str, keys: &[Value]) -> Result<Value> {
        let mut found = &self.template.mappings;
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
        let property = names::name_property(&resource.kind).unwrap_or_default();
        let Some(chosen) = resource.properties.get(property) else {
            return Ok(id.to_owned());
        };
        let own = format!("{id}.Properties.{property}");
        match self.once(place, format!("the name of {id}"), || {
            self.value(&own, chosen)
        })? {
            None => Ok(id.to_owned()),
            Some(Value::String(name)) => Ok(name),
            Some(_) => wrong(own, "must be a text"),
        }
    }

    /// A resource of the template which is there: its condition holds.
    fn resource(&self, place: &str, id: &str) -> Result<&'a Declared> {
        let declared = self.template.resources.get(id).ok_or_else(|| {
            let problem = format!("the template has no parameter and no resource {id}");
            TemplateError::new(place, problem)
        })?;
        match &declared.condition {
            Some(condition) if !self.condition(place, condition)? => {
                let problem = format!("{id} is not there: the condition {condition} does not hold");
                wrong(place, problem)
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
            return wrong(place, format!("{what} depends on itself"));
        }
        self.resolving.borrow_mut().push(what);
        let resolved = resolve();
        self.resolving.borrow_mut().pop();
        resolved
    }
}

/// The intrinsic function that an object with these members calls, and its argument.
fn call(members: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut members = members.iter();
    match (members.next(), members.next()) {
        (Some((name, argument)), None) if name == "Ref" || name.starts_with("Fn::") => {
            Some((name, argument))
        }
        _ => None,
    }
}

/// The argument of `function` in the form it must have.
pub(super) fn arguments<T: DeserializeOwned>(
    place: &str,
    function: &str,
    argument: &Value,
) -> Result<T> {
    T::deserialize(argument).map_err(|_| {
        let name = function.trim_start_matches("Fn::");
        TemplateError::new(place, format!("cannot read the argument of {name}"))
    })
}
