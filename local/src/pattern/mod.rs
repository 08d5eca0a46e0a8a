//! Event patterns: the one matcher for the filters of stream mappings and the rules of buses.
//!
//! A pattern is an object in the shape of the event, with a list of alternatives at each leaf.
//! See "Comparison operators for use in event patterns" in the `EventBridge` User Guide.
//!
//! Two details differ from AWS: numbers that are written differently but parse to the same
//! floating-point number (`300.0` and `3.0e2`) are equal here, and a pattern's complexity is
//! not limited.

mod matcher;
mod parse;
#[cfg(test)]
mod tests;

use serde_json::Value;

use self::matcher::Matcher;
pub use self::parse::PatternError;

/// A parsed pattern.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern(Object);

/// Conditions on an object, all of which must hold.
#[derive(Debug, Clone, PartialEq, Default)]
struct Object {
    fields: Vec<(String, Node)>,
    /// `$or`: one of them must hold.
    alternatives: Vec<Object>,
}

/// The condition on a field.
#[derive(Debug, Clone, PartialEq)]
enum Node {
    /// The field is an object, or a list with an object, for which these conditions hold.
    Object(Object),
    /// One of the field's values satisfies one of the matchers.
    Leaf(Vec<Matcher>),
}

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// If it is not in the language; the error names the path.
    pub fn parse(pattern: &Value) -> Result<Self, PatternError> {
        parse::pattern(pattern).map(Self)
    }

    /// Parses a pattern from its JSON text, as filters of stream mappings are written.
    ///
    /// # Errors
    /// If it is not JSON or not in the language.
    pub fn parse_text(pattern: &str) -> Result<Self, PatternError> {
        let pattern = serde_json::from_str(pattern).map_err(|error| PatternError {
            path: "$".to_owned(),
            problem: format!("is not JSON: {error}"),
        })?;
        Self::parse(&pattern)
    }

    /// True if `event` matches.
    pub fn matches(&self, event: &Value) -> bool {
        self.0.matches(event)
    }
}

impl Object {
    fn matches(&self, event: &Value) -> bool {
        let fields = self
            .fields
            .iter()
            .all(|(name, node)| node.matches(event.get(name)));
        fields
            && (self.alternatives.is_empty()
                || self.alternatives.iter().any(|object| object.matches(event)))
    }
}

impl Node {
    fn matches(&self, value: Option<&Value>) -> bool {
        match self {
            Self::Object(object) => match value {
                Some(Value::Array(elements)) => {
                    elements.iter().any(|element| object.matches(element))
                }
                // A missing object has no fields, which is what `exists: false` asks for.
                value => object.matches(value.unwrap_or(&Value::Null)),
            },
            Self::Leaf(matchers) => {
                let values = leaves(value);
                if values.is_empty() {
                    return matchers.contains(&Matcher::Exists(false));
                }
                values
                    .iter()
                    .any(|value| matchers.iter().any(|matcher| matcher.matches(value)))
            }
        }
    }
}

/// The scalar values of a field. An object is no leaf, so it counts as missing.
fn leaves(value: Option<&Value>) -> Vec<&Value> {
    match value {
        None | Some(Value::Object(_)) => Vec::new(),
        Some(Value::Array(elements)) => elements
            .iter()
            .flat_map(|element| leaves(Some(element)))
            .collect(),
        Some(scalar) => vec![scalar],
    }
}
