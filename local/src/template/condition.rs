//! Conditions: what a template has or leaves out by the values of its parameters.

use serde_json::Value;

use super::{
    error::{Result, TemplateError, wrong},
    intrinsic::{Scope, arguments},
};

impl Scope<'_> {
    /// Whether the condition called `name` holds.
    pub(super) fn condition(&self, place: &str, name: &str) -> Result<bool> {
        let expression = self.template.conditions.get(name).ok_or_else(|| {
            TemplateError::new(place, format!("the template has no condition {name}"))
        })?;
        self.once(place, format!("the condition {name}"), || {
            self.holds(&format!("Conditions.{name}"), expression)
        })
    }

    /// Whether `expression`, in the section `Conditions`, holds.
    fn holds(&self, place: &str, expression: &Value) -> Result<bool> {
        let mut members = expression.as_object().into_iter().flatten();
        let (Some((function, argument)), None) = (members.next(), members.next()) else {
            return wrong(place, "is no condition");
        };
        match function.as_str() {
            "Condition" => {
                let name: String = arguments(place, function, argument)?;
                self.condition(place, &name)
            }
            "Fn::Equals" => {
                let [left, right]: [Value; 2] = arguments(place, function, argument)?;
                Ok(self.text(place, &left)? == self.text(place, &right)?)
            }
            "Fn::Not" => {
                let [condition]: [Value; 1] = arguments(place, function, argument)?;
                Ok(!self.holds(place, &condition)?)
            }
            "Fn::And" | "Fn::Or" => {
                let conditions: Vec<Value> = arguments(place, function, argument)?;
                let each = conditions.iter().map(|part| self.holds(place, part));
                let each = each.collect::<Result<Vec<_>>>()?;
                Ok(match function.as_str() {
                    "Fn::And" => !each.contains(&false),
                    _ => each.contains(&true),
                })
            }
            unknown => wrong(
                place,
                format!("the emulator does not know the condition function {unknown}"),
            ),
        }
    }
}
