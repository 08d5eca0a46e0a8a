//! Specifications as text: what [`parse`](super::parse) reads back.

use std::fmt;

use super::{
    Attribute, Comparison, FlagAttribute, Predicate, Specification, TextAttribute, TextTest,
    TimeAttribute,
};

/// The filter that gives this specification. Without parts, `All` and `Any` have none; they are
/// written as filters that all users or none satisfy.
impl fmt::Display for Specification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(parts) if parts.is_empty() => f.write_str("email pr"),
            Self::Any(parts) if parts.is_empty() => f.write_str("not (email pr)"),
            Self::All(parts) => join(f, parts, " and "),
            Self::Any(parts) => join(f, parts, " or "),
            Self::Not(part) => write!(f, "not ({part})"),
            Self::Is(predicate) => predicate.fmt(f),
        }
    }
}

fn join(f: &mut fmt::Formatter<'_>, parts: &[Specification], word: &str) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(word)?;
        }
        match part {
            Specification::All(_) | Specification::Any(_) => write!(f, "({part})")?,
            Specification::Not(_) | Specification::Is(_) => write!(f, "{part}")?,
        }
    }
    Ok(())
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(attribute, test, value) => {
                // A JSON string, as the grammar has it.
                let value = serde_json::Value::from(value.as_str());
                write!(f, "{} {} {value}", attribute.as_str(), test.as_str())
            }
            Self::Flag(attribute, value) => write!(f, "{} eq {value}", attribute.as_str()),
            Self::Time(attribute, comparison, time) => {
                write!(
                    f,
                    "{} {} \"{time}\"",
                    attribute.as_str(),
                    comparison.as_str()
                )
            }
            Self::Present(attribute) => write!(f, "{} pr", attribute.as_str()),
        }
    }
}

impl Attribute {
    /// By its name, in any letter case (RFC 7643, 2.1): ours, SCIM's, and SCIM's `meta`.
    pub(super) fn named(name: &str) -> Option<Self> {
        let attribute = match name.to_ascii_lowercase().as_str() {
            "email" | "username" => Self::Text(TextAttribute::Email),
            "name" | "displayname" => Self::Text(TextAttribute::Name),
            "roles" => Self::Text(TextAttribute::Roles),
            "active" => Self::Flag(FlagAttribute::Active),
            "emailverified" => Self::Flag(FlagAttribute::EmailVerified),
            "createdat" | "meta.created" => Self::Time(TimeAttribute::CreatedAt),
            "updatedat" | "meta.lastmodified" => Self::Time(TimeAttribute::UpdatedAt),
            _ => return None,
        };
        Some(attribute)
    }

    /// Our name of it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text(attribute) => attribute.as_str(),
            Self::Flag(attribute) => attribute.as_str(),
            Self::Time(attribute) => attribute.as_str(),
        }
    }
}

impl TextAttribute {
    /// Our name of it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Name => "name",
            Self::Roles => "roles",
        }
    }
}

impl FlagAttribute {
    /// Our name of it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::EmailVerified => "emailVerified",
        }
    }
}

impl TimeAttribute {
    /// Our name of it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreatedAt => "createdAt",
            Self::UpdatedAt => "updatedAt",
        }
    }
}

impl TextTest {
    /// By its operator, in any letter case.
    pub(super) fn named(operator: &str) -> Option<Self> {
        match operator.to_ascii_lowercase().as_str() {
            "co" => Some(Self::Contains),
            "sw" => Some(Self::StartsWith),
            "ew" => Some(Self::EndsWith),
            _ => Comparison::named(operator).map(Self::Compares),
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Contains => "co",
            Self::StartsWith => "sw",
            Self::EndsWith => "ew",
            Self::Compares(comparison) => comparison.as_str(),
        }
    }
}

impl Comparison {
    /// By its operator, in any letter case.
    pub(super) fn named(operator: &str) -> Option<Self> {
        match operator.to_ascii_lowercase().as_str() {
            "eq" => Some(Self::Equal),
            "ne" => Some(Self::NotEqual),
            "gt" => Some(Self::Greater),
            "ge" => Some(Self::GreaterOrEqual),
            "lt" => Some(Self::Less),
            "le" => Some(Self::LessOrEqual),
            _ => None,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "eq",
            Self::NotEqual => "ne",
            Self::Greater => "gt",
            Self::GreaterOrEqual => "ge",
            Self::Less => "lt",
            Self::LessOrEqual => "le",
        }
    }
}
