//! Conditions: what a template has or leaves out by the values of its parameters.

use yaml_serde::Value as Yaml;

use super::{
    error::{Result, TemplateError},
    intrinsic::{Scope, call},
};

impl Scope<'_> {
    /// Whether the condition called `name` holds.
    pub(super) fn condition(&self, place: &str, name: &str) -> Result<bool> {
        let expression = self.document.conditions.get(name).ok_or_else(|| {
            TemplateError::new(place, format!("the template has no condition {name}"))
        })?;
        self.once(place, format!("the condition {name}"), || {
            self.holds(&format!("Conditions.{name}"), expression)
        })
    }

    /// Whether `expression`, in the section `Conditions`, holds.
    fn holds(&self, place: &str, expression: &Yaml) -> Result<bool> {
        let named = expression.get("Condition").and_then(Yaml::as_str);
        if let Some(name) = named {
            return self.condition(place, name);
        }
        let unknown = || TemplateError::new(place, "is no condition the emulator knows");
        let (function, argument) = call(expression).ok_or_else(unknown)?;
        match (function.as_str(), argument) {
            ("Condition", Yaml::String(name)) => self.condition(place, name),
            ("Equals", Yaml::Sequence(pair)) => match pair.as_slice() {
                [left, right] => Ok(self.text(place, left)? == self.text(place, right)?),
                _ => Err(unknown()),
            },
            ("Not", Yaml::Sequence(one)) => match one.as_slice() {
                [condition] => Ok(!self.holds(place, condition)?),
                _ => Err(unknown()),
            },
            ("And" | "Or", Yaml::Sequence(many)) => {
                let each = many.iter().map(|condition| self.holds(place, condition));
                let mut each = each.collect::<Result<Vec<_>>>()?.into_iter();
                Ok(match function.as_str() {
                    "And" => each.all(|holds| holds),
                    _ => each.any(|holds| holds),
                })
            }
            _ => Err(unknown()),
        }
    }
}
