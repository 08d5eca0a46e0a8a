//! Event patterns: the one matcher for the filters of stream mappings and the rules of buses.
//!
//! A pattern is an object in the shape of the event, with a list of alternatives at each leaf.
//! See "Comparison operators for use in event patterns" in the `EventBridge` User Guide. Of the
//! operators, those that templates use here are known: a value, `prefix` and `exists`. Any other is an
//! error.

#[cfg(test)]
mod tests;

use serde::Deserialize;
use serde_json::{Map, Value};

/// A parsed pattern.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Value")]
pub struct Pattern(Object);

impl TryFrom<Value> for Pattern {
    type Error = String;

    fn try_from(pattern: Value) -> Result<Self, String> {
        Self::parse(&pattern)
    }
}

/// Conditions on the fields of an object, all of which must hold.
type Object = Vec<(String, Node)>;

/// The condition on a field.
#[derive(Debug, Clone, PartialEq)]
enum Node {
    /// The field is an object, or a list with an object, for which these conditions hold.
    Object(Object),
    /// One of the field's values satisfies one of the matchers.
    Leaf(Vec<Matcher>),
}

/// A condition on one scalar value.
#[derive(Debug, Clone, PartialEq)]
enum Matcher {
    /// The same string, number, boolean or null.
    Equals(Value),
    /// A string that begins like this.
    Prefix(String),
    /// The field is there, or is not.
    Exists(bool),
}

/// An error says where, such as `$.detail.state[0]`, and what is wrong there.
type Parsed<T> = Result<T, String>;

fn wrong<T>(path: &str, problem: &str) -> Parsed<T> {
    Err(format!("{path} {problem}"))
}

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// If it is not in the language, or has an operator that is not known here.
    pub fn parse(pattern: &Value) -> Result<Self, String> {
        match pattern {
            Value::Object(members) => object("$", members).map(Self),
            _ => wrong("$", "must be an object"),
        }
    }

    /// True if `event` matches.
    pub fn matches(&self, event: &Value) -> bool {
        holds(&self.0, event)
    }
}

fn object(path: &str, members: &Map<String, Value>) -> Parsed<Object> {
    if members.is_empty() {
        return wrong(path, "must not be empty");
    }
    let field = |(name, value): (&String, &Value)| {
        let path = format!("{path}.{name}");
        let node = match value {
            // `$or` and its like are operators, not fields.
            _ if name.starts_with('$') => return wrong(&path, "is not an operator known here"),
            Value::Object(members) => Node::Object(object(&path, members)?),
            Value::Array(matchers) if matchers.is_empty() => {
                return wrong(&path, "must not be empty");
            }
            Value::Array(matchers) => {
                let matchers = matchers.iter().enumerate();
                let matchers = matchers.map(|(at, value)| matcher(&format!("{path}[{at}]"), value));
                Node::Leaf(matchers.collect::<Parsed<_>>()?)
            }
            _ => return wrong(&path, "must be an object or a list"),
        };
        Ok((name.clone(), node))
    };
    members.iter().map(field).collect()
}

fn matcher(path: &str, value: &Value) -> Parsed<Matcher> {
    let members = match value {
        Value::Object(members) => members,
        Value::Array(_) => return wrong(path, "must not be a list"),
        scalar => return Ok(Matcher::Equals(scalar.clone())),
    };
    let mut operators = members.iter();
    let (Some((operator, operand)), None) = (operators.next(), operators.next()) else {
        return wrong(path, "must have exactly one operator");
    };
    let path = format!("{path}.{operator}");
    match (operator.as_str(), operand) {
        ("prefix", Value::String(prefix)) => Ok(Matcher::Prefix(prefix.clone())),
        ("exists", Value::Bool(expected)) => Ok(Matcher::Exists(*expected)),
        ("prefix" | "exists", _) => wrong(&path, "has an operand not known here"),
        _ => wrong(&path, "is not an operator known here"),
    }
}

fn holds(object: &Object, event: &Value) -> bool {
    let mut fields = object.iter();
    fields.all(|(name, node)| node.matches(event.get(name)))
}

impl Node {
    fn matches(&self, value: Option<&Value>) -> bool {
        match self {
            Self::Object(object) => match value {
                Some(Value::Array(elements)) => {
                    elements.iter().any(|element| holds(object, element))
                }
                // A missing object has no fields, which is what `exists: false` asks for.
                value => holds(object, value.unwrap_or(&Value::Null)),
            },
            Self::Leaf(matchers) => {
                let values = leaves(value);
                if values.is_empty() {
                    return matchers.contains(&Matcher::Exists(false));
                }
                let mut values = values.into_iter();
                values.any(|value| matchers.iter().any(|matcher| matcher.matches(value)))
            }
        }
    }
}

impl Matcher {
    fn matches(&self, value: &Value) -> bool {
        match self {
            Self::Equals(expected) => expected == value,
            Self::Prefix(prefix) => value.as_str().is_some_and(|text| text.starts_with(prefix)),
            Self::Exists(expected) => *expected,
        }
    }
}

/// The scalar values of a field. An object is no leaf, so it counts as missing.
fn leaves(value: Option<&Value>) -> Vec<&Value> {
    match value {
        None | Some(Value::Object(_)) => Vec::new(),
        Some(Value::Array(elements)) => {
            let elements = elements.iter();
            elements.flat_map(|element| leaves(Some(element))).collect()
        }
        Some(scalar) => vec![scalar],
    }
}
