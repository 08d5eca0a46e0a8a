//! Template parameters: defaults, values given on the command line, and their rules.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde::Deserialize;
use serde_json::Value;
use yaml_serde::{Mapping, Value as Yaml};

use super::error::{Result, TemplateError};

/// Values given for parameters, by name.
pub type Overrides = BTreeMap<String, String>;

/// A parameter as declared. The rules are `CloudFormation`'s.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Parameter {
    r#type: Type,
    default: Option<Yaml>,
    #[serde(default)]
    allowed_values: Vec<Yaml>,
    allowed_pattern: Option<String>,
    constraint_description: Option<String>,
    min_length: Option<usize>,
    max_length: Option<usize>,
    min_value: Option<f64>,
    max_value: Option<f64>,
    /// For people only.
    #[serde(rename = "Description")]
    _description: Option<String>,
    /// Keeps a value out of consoles.
    #[serde(default, rename = "NoEcho")]
    _no_echo: bool,
}

#[derive(Debug, Clone, Copy, Deserialize)]
enum Type {
    String,
    Number,
    CommaDelimitedList,
}

/// The value of every parameter: the one given, or the default.
pub(super) fn resolve(declared: &Mapping, given: &Overrides) -> Result<BTreeMap<String, Value>> {
    let mut values = BTreeMap::new();
    for (name, parameter) in declared {
        let name = name.as_str().unwrap_or_default();
        let place = format!("Parameters.{name}");
        let parameter: Parameter =
            yaml_serde::from_value(parameter.clone()).map_err(|e| TemplateError::new(&place, e))?;
        let text = match given.get(name) {
            Some(text) => text.clone(),
            None => default(&place, &parameter)?,
        };
        let value = parameter
            .check(&text)
            .map_err(|problem| TemplateError::new(&place, problem))?;
        values.insert(name.to_owned(), value);
    }
    match given.keys().find(|name| !values.contains_key(*name)) {
        Some(unknown) => Err(TemplateError::new(
            format!("Parameters.{unknown}"),
            "a value was given, but the template has no such parameter",
        )),
        None => Ok(values),
    }
}

fn default(place: &str, parameter: &Parameter) -> Result<String> {
    parameter
        .default
        .as_ref()
        .and_then(scalar)
        .ok_or_else(|| TemplateError::new(place, "has no default: give a value with --parameter"))
}

/// Scalars as `CloudFormation` reads them: as text.
fn scalar(yaml: &Yaml) -> Option<String> {
    match yaml {
        Yaml::String(text) => Some(text.clone()),
        Yaml::Number(number) => Some(number.to_string()),
        Yaml::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

impl Parameter {
    fn check(&self, text: &str) -> std::result::Result<Value, String> {
        if !self.allowed_values.is_empty() {
            let allowed: Vec<_> = self.allowed_values.iter().filter_map(scalar).collect();
            if !allowed.iter().any(|value| value == text) {
                return Err(format!("`{text}` is not one of {}", allowed.join(", ")));
            }
        }
        if let Some(pattern) = &self.allowed_pattern {
            self.check_pattern(pattern, text)?;
        }
        match self.r#type {
            Type::String => self.check_length(text),
            Type::Number => self.check_range(text),
            Type::CommaDelimitedList => Ok(text.split(',').map(str::trim).collect()),
        }
    }

    fn check_pattern(&self, pattern: &str, text: &str) -> std::result::Result<(), String> {
        // CloudFormation matches the whole value.
        let regex = Regex::new(&format!("^(?:{pattern})$"))
            .map_err(|e| format!("AllowedPattern `{pattern}`: {e}"))?;
        if regex.is_match(text) {
            return Ok(());
        }
        Err(match &self.constraint_description {
            Some(description) => format!("`{text}` is not allowed: {description}"),
            None => format!("`{text}` does not match {pattern}"),
        })
    }

    fn check_length(&self, text: &str) -> std::result::Result<Value, String> {
        let length = text.chars().count();
        match (self.min_length, self.max_length) {
            (Some(least), _) if length < least => {
                Err(format!("`{text}` is shorter than {least} characters"))
            }
            (_, Some(most)) if length > most => {
                Err(format!("`{text}` is longer than {most} characters"))
            }
            _ => Ok(Value::from(text)),
        }
    }

    fn check_range(&self, text: &str) -> std::result::Result<Value, String> {
        let number: serde_json::Number = text
            .parse()
            .map_err(|_| format!("`{text}` is not a number"))?;
        let size = number.as_f64().unwrap_or(f64::NAN);
        match (self.min_value, self.max_value) {
            (Some(least), _) if size < least => Err(format!("{text} is less than {least}")),
            (_, Some(most)) if size > most => Err(format!("{text} is more than {most}")),
            _ => Ok(Value::Number(number)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(declared: &str, given: &str) -> std::result::Result<Value, String> {
        let declared: Mapping = yaml_serde::from_str(&format!("P: {declared}")).unwrap();
        let given = Overrides::from([("P".to_owned(), given.to_owned())]);
        resolve(&declared, &given)
            .map(|mut values| values.remove("P").unwrap())
            .map_err(|e| e.to_string())
    }

    #[test]
    fn rules_hold_for_given_values() {
        for (declared, good, bad, problem) in [
            (
                "{Type: String, AllowedValues: [a, b]}",
                "a",
                "c",
                "`c` is not one of a, b",
            ),
            (
                "{Type: String, AllowedPattern: 'a+'}",
                "aa",
                "ab",
                "`ab` does not match a+",
            ),
            (
                "{Type: String, MinLength: 1}",
                "x",
                "",
                "`` is shorter than 1 characters",
            ),
            (
                "{Type: String, MaxLength: 1}",
                "x",
                "xy",
                "`xy` is longer than 1 characters",
            ),
            ("{Type: Number, MinValue: 8}", "8", "7", "7 is less than 8"),
            ("{Type: Number, MaxValue: 8}", "8", "9", "9 is more than 8"),
            ("{Type: Number}", "8", "eight", "`eight` is not a number"),
        ] {
            assert!(checked(declared, good).is_ok(), "{declared} {good}");
            assert_eq!(
                checked(declared, bad).unwrap_err(),
                format!("Parameters.P: {problem}")
            );
        }
    }

    #[test]
    fn a_default_stands_in_and_must_keep_the_rules_too() {
        let declared: Mapping = yaml_serde::from_str("{P: {Type: Number, Default: 3}}").unwrap();
        let values = resolve(&declared, &Overrides::new()).unwrap();
        assert_eq!(values["P"], 3);

        let declared: Mapping =
            yaml_serde::from_str("{P: {Type: Number, Default: 3, MinValue: 4}}").unwrap();
        assert!(resolve(&declared, &Overrides::new()).is_err());
    }

    #[test]
    fn a_value_is_needed_where_there_is_no_default() {
        let declared: Mapping = yaml_serde::from_str("{P: {Type: String}}").unwrap();
        let error = resolve(&declared, &Overrides::new()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Parameters.P: has no default: give a value with --parameter"
        );
    }

    #[test]
    fn an_unknown_parameter_is_named() {
        let given = Overrides::from([("Colour".to_owned(), "red".to_owned())]);
        let error = resolve(&Mapping::new(), &given).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Parameters.Colour: a value was given, but the template has no such parameter"
        );
    }
}
