//! Template parameters: defaults, values given on the command line, and their rules.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::{
    error::{Result, TemplateError, wrong},
    fields::Text,
};

/// Values given for parameters, by name.
pub type Overrides = BTreeMap<String, String>;

/// A parameter as declared. The rules are `CloudFormation`'s.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct Parameter {
    r#type: Type,
    default: Option<Text>,
    #[serde(default)]
    allowed_values: Vec<Text>,
    allowed_pattern: Option<String>,
    constraint_description: Option<String>,
    min_length: Option<usize>,
    max_length: Option<usize>,
    min_value: Option<f64>,
    max_value: Option<f64>,
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
pub(super) fn resolve(
    declared: &BTreeMap<String, Parameter>,
    given: &Overrides,
) -> Result<BTreeMap<String, Value>> {
    let mut values = BTreeMap::new();
    for (name, parameter) in declared {
        let place = format!("Parameters.{name}");
        let default = parameter.default.as_ref().map(|default| &default.0);
        let Some(text) = given.get(name).or(default) else {
            return wrong(place, "has no default: give a value with --parameter");
        };
        let value = parameter.check(text);
        let value = value.map_err(|problem| TemplateError::new(place, problem))?;
        values.insert(name.clone(), value);
    }
    match given.keys().find(|name| !values.contains_key(*name)) {
        Some(unknown) => wrong(
            format!("Parameters.{unknown}"),
            "a value was given, but the template has no such parameter",
        ),
        None => Ok(values),
    }
}

impl Parameter {
    fn check(&self, text: &str) -> std::result::Result<Value, String> {
        let allowed: Vec<_> = self.allowed_values.iter().map(|value| &*value.0).collect();
        if !allowed.is_empty() && !allowed.contains(&text) {
            return Err(format!("`{text}` is not one of {}", allowed.join(", ")));
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

    fn parameters(yaml: &str) -> BTreeMap<String, Parameter> {
        yaml_serde::from_str(yaml).unwrap()
    }

    fn checked(declared: &str, given: &str) -> std::result::Result<Value, String> {
        let declared = parameters(&format!("P: {declared}"));
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
        let declared = parameters("{P: {Type: Number, Default: 3}}");
        let values = resolve(&declared, &Overrides::new()).unwrap();
        assert_eq!(values["P"], 3);

        let declared = parameters("{P: {Type: Number, Default: 3, MinValue: 4}}");
        assert!(resolve(&declared, &Overrides::new()).is_err());
    }

    #[test]
    fn a_value_is_needed_where_there_is_no_default() {
        let declared = parameters("{P: {Type: String}}");
        let error = resolve(&declared, &Overrides::new()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Parameters.P: has no default: give a value with --parameter"
        );
    }

    #[test]
    fn an_unknown_parameter_is_named() {
        let given = Overrides::from([("Colour".to_owned(), "red".to_owned())]);
        let error = resolve(&BTreeMap::new(), &given).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Parameters.Colour: a value was given, but the template has no such parameter"
        );
    }
}
