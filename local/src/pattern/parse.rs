//! From JSON to conditions.

use serde_json::{Map, Value};

use super::{
    Node, Object,
    matcher::{Block, Comparison, Matcher, Text, Wildcard},
};

/// Why a pattern is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} {problem}")]
pub struct PatternError {
    /// Where, such as `$.detail.state[0]`.
    pub path: String,
    /// What is wrong there.
    pub problem: String,
}

type Parsed<T> = Result<T, PatternError>;

fn wrong<T>(path: &str, problem: impl Into<String>) -> Parsed<T> {
    Err(PatternError {
        path: path.to_owned(),
        problem: problem.into(),
    })
}

pub(super) fn pattern(value: &Value) -> Parsed<Object> {
    match value {
        Value::Object(members) => object("$", members),
        _ => wrong("$", "must be an object"),
    }
}

fn object(path: &str, members: &Map<String, Value>) -> Parsed<Object> {
    if members.is_empty() {
        return wrong(path, "must not be empty");
    }
    let mut parsed = Object::default();
    for (name, value) in members {
        let path = format!("{path}.{name}");
        match value {
            Value::Array(alternatives) if name == "$or" => {
                parsed.alternatives = or(&path, alternatives)?;
            }
            Value::Object(members) => {
                let node = Node::Object(object(&path, members)?);
                parsed.fields.push((name.clone(), node));
            }
            Value::Array(matchers) => {
                let node = Node::Leaf(leaf(&path, matchers)?);
                parsed.fields.push((name.clone(), node));
            }
            _ => return wrong(&path, "must be an object or a list"),
        }
    }
    Ok(parsed)
}

fn or(path: &str, alternatives: &[Value]) -> Parsed<Vec<Object>> {
    if alternatives.len() < 2 {
        return wrong(path, "needs at least two alternatives");
    }
    alternatives
        .iter()
        .enumerate()
        .map(|(index, alternative)| match alternative {
            Value::Object(members) => object(&format!("{path}[{index}]"), members),
            _ => wrong(&format!("{path}[{index}]"), "must be an object"),
        })
        .collect()
}

fn leaf(path: &str, matchers: &[Value]) -> Parsed<Vec<Matcher>> {
    if matchers.is_empty() {
        return wrong(path, "must not be empty");
    }
    matchers
        .iter()
        .enumerate()
        .map(|(index, value)| matcher(&format!("{path}[{index}]"), value))
        .collect()
}

fn matcher(path: &str, value: &Value) -> Parsed<Matcher> {
    match value {
        Value::Object(members) => {
            let (operator, operand) = sole(path, members)?;
            let path = format!("{path}.{operator}");
            match (operator, operand) {
                ("anything-but", operand) => anything_but(&path, operand),
                ("numeric", Value::Array(parts)) => numeric(&path, parts),
                ("exists", Value::Bool(expected)) => Ok(Matcher::Exists(*expected)),
                ("cidr", Value::String(block)) => cidr(&path, block),
                ("numeric" | "exists" | "cidr", _) => {
                    wrong(&path, "has an operand of another type")
                }
                (operator, operand) => text(&path, operator, operand).map(Matcher::Text),
            }
        }
        Value::Array(_) => wrong(path, "must not be a list"),
        scalar => Ok(Matcher::Equals(scalar.clone())),
    }
}

fn sole<'a>(path: &str, members: &'a Map<String, Value>) -> Parsed<(&'a str, &'a Value)> {
    let mut members = members.iter();
    match (members.next(), members.next()) {
        (Some((operator, operand)), None) => Ok((operator, operand)),
        _ => wrong(path, "must have exactly one operator"),
    }
}

fn text(path: &str, operator: &str, operand: &Value) -> Parsed<Text> {
    match (operator, operand) {
        ("equals-ignore-case", Value::String(text)) => Ok(Text::EqualsIgnoreCase(text.clone())),
        ("prefix", Value::String(text)) => Ok(Text::Prefix(text.clone())),
        ("suffix", Value::String(text)) => Ok(Text::Suffix(text.clone())),
        ("wildcard", Value::String(text)) => wildcard(path, text).map(Text::Wildcard),
        ("prefix" | "suffix", Value::Object(members)) => match sole(path, members)? {
            ("equals-ignore-case", Value::String(text)) if operator == "prefix" => {
                Ok(Text::PrefixIgnoreCase(text.clone()))
            }
            ("equals-ignore-case", Value::String(text)) => Ok(Text::SuffixIgnoreCase(text.clone())),
            _ => wrong(path, "takes a string or equals-ignore-case"),
        },
        ("equals-ignore-case" | "prefix" | "suffix" | "wildcard", _) => {
            wrong(path, "takes a string")
        }
        _ => wrong(path, "is not an operator"),
    }
}

/// The operand is a value, a text condition, or a list of values; a text condition may have a
/// list of strings.
fn anything_but(path: &str, operand: &Value) -> Parsed<Matcher> {
    let excluded = match operand {
        Value::Object(members) => {
            let (operator, operand) = sole(path, members)?;
            let path = format!("{path}.{operator}");
            listed(&path, operand)?
                .iter()
                .map(|operand| text(&path, operator, operand).map(Matcher::Text))
                .collect::<Parsed<_>>()?
        }
        operand => listed(path, operand)?
            .iter()
            .map(|value| match value {
                Value::String(_) | Value::Number(_) => Ok(Matcher::Equals(value.clone())),
                _ => wrong(path, "takes strings and numbers"),
            })
            .collect::<Parsed<_>>()?,
    };
    Ok(Matcher::AnythingBut(excluded))
}

fn listed<'a>(path: &str, operand: &'a Value) -> Parsed<&'a [Value]> {
    match operand {
        Value::Array(list) if list.is_empty() => wrong(path, "must not be empty"),
        Value::Array(list) => Ok(list),
        one => Ok(std::slice::from_ref(one)),
    }
}

/// Pairs of a comparison and a number: one of them, or a lower and an upper bound.
fn numeric(path: &str, parts: &[Value]) -> Parsed<Matcher> {
    if !matches!(parts.len(), 2 | 4) {
        return wrong(path, "takes one or two comparisons, each with its number");
    }
    let comparisons = parts.chunks_exact(2).map(|pair| {
        let comparison = match pair[0].as_str() {
            Some("=") => Comparison::Equal,
            Some("<") => Comparison::Less,
            Some("<=") => Comparison::LessOrEqual,
            Some(">") => Comparison::Greater,
            Some(">=") => Comparison::GreaterOrEqual,
            _ => return wrong(path, format!("has an unknown comparison {}", pair[0])),
        };
        match pair[1].as_f64() {
            // AWS's limits: -5.0e9 to 5.0e9.
            Some(number) if number.abs() <= 5.0e9 => Ok((comparison, number)),
            Some(_) => wrong(path, "takes numbers from -5.0e9 to 5.0e9"),
            None => wrong(
                path,
                format!("compares with {}, which is no number", pair[1]),
            ),
        }
    });
    Ok(Matcher::Numeric(comparisons.collect::<Parsed<_>>()?))
}

fn wildcard(path: &str, text: &str) -> Parsed<Wildcard> {
    let mut parts = vec![String::new()];
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let literal = match character {
            '*' if characters.peek() == Some(&'*') => {
                return wrong(path, "must not have two asterisks in a row");
            }
            '*' => {
                parts.push(String::new());
                continue;
            }
            '\\' => match characters.next() {
                Some(escaped @ ('*' | '\\')) => escaped,
                _ => return wrong(path, r"escapes only \* and \\"),
            },
            literal => literal,
        };
        if let Some(part) = parts.last_mut() {
            part.push(literal);
        }
    }
    Ok(Wildcard(parts))
}

fn cidr(path: &str, block: &str) -> Parsed<Matcher> {
    let parsed = block.split_once('/').and_then(|(address, prefix)| {
        let address: std::net::IpAddr = address.parse().ok()?;
        let prefix: u32 = prefix.parse().ok()?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        (prefix <= bits).then_some(Block { address, prefix })
    });
    match parsed {
        Some(block) => Ok(Matcher::Cidr(block)),
        None => wrong(path, "is no block of addresses"),
    }
}
