//! What users must satisfy to be page: predicates joined by and, or, not.
//!
//! One specification is evaluated in three places, which must agree: on one [`Profile`] here, over
//! the directory's columns, and by `DynamoDB` as a filter expression. Its text is the SCIM filter
//! grammar (RFC 7644, 3.4.2.2).

mod parse;
mod text;

#[cfg(test)]
pub(crate) mod tests;

use domain::{Email, Role, Timestamp, user::Profile};

pub use parse::{MAX_CHARS, MAX_DEPTH, MAX_PREDICATES};

use crate::query::fold::Folded;

/// A condition on users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Specification {
    /// All of these; everybody if there are none.
    All(Vec<Self>),
    /// At least one of these; no user if there are none.
    Any(Vec<Self>),
    Not(Box<Self>),
    /// A condition on one attribute.
    Is(Predicate),
}

/// A condition on one attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Predicate {
    /// On a text, or on the texts of an attribute with many.
    Text(TextAttribute, TextTest, Folded),
    /// On a truth.
    Flag(FlagAttribute, bool),
    Time(TimeAttribute, Comparison, Timestamp),
    /// There is a value. Only `roles` can be without.
    Present(Attribute),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "grouped by type")]
pub enum Attribute {
    Text(TextAttribute),
    Flag(FlagAttribute),
    Time(TimeAttribute),
}

/// An attribute that is text, compared folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `User`")]
pub enum TextAttribute {
    Email,
    Name,
    /// Many values: a test holds if it holds for one of them, `ne` if `eq` does not hold.
    Roles,
}

/// An attribute that is true or false.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `User`")]
pub enum FlagAttribute {
    Active,
    EmailVerified,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `User`")]
pub enum TimeAttribute {
    CreatedAt,
    UpdatedAt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they say it")]
pub enum TextTest {
    Contains,
    StartsWith,
    EndsWith,
    /// By order of code points.
    Compares(Comparison),
}

/// How two values compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they say it")]
pub enum Comparison {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Comparison {
    /// Whether `one` compares with `other` so.
    pub fn holds<T: Ord + ?Sized>(self, one: &T, other: &T) -> bool {
        match self {
            Self::Equal => one == other,
            Self::NotEqual => one != other,
            Self::Greater => one > other,
            Self::GreaterOrEqual => one >= other,
            Self::Less => one < other,
            Self::LessOrEqual => one <= other,
        }
    }
}

impl TextTest {
    /// Whether a folded text stands the test against `value`.
    pub fn holds(self, text: &str, value: &str) -> bool {
        match self {
            Self::Contains => text.contains(value),
            Self::StartsWith => text.starts_with(value),
            Self::EndsWith => text.ends_with(value),
            Self::Compares(comparison) => comparison.holds(text, value),
        }
    }

    /// Whether these roles stand the test. Roles are folded by nature.
    pub fn holds_for_roles<'a>(
        self,
        mut roles: impl Iterator<Item = &'a Role>,
        value: &str,
    ) -> bool {
        match self {
            Self::Compares(Comparison::NotEqual) => roles.all(|role| role.as_str() != value),
            _ => roles.any(|role| self.holds(role.as_str(), value)),
        }
    }
}

impl Specification {
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::All(vec![self, other])
    }

    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self::Any(vec![self, other])
    }

    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "reads as `and` and `or` do")]
    pub fn not(self) -> Self {
        Self::Not(Box::new(self))
    }

    pub fn is_satisfied_by(&self, user: &Profile) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.is_satisfied_by(user)),
            Self::Any(parts) => parts.iter().any(|part| part.is_satisfied_by(user)),
            Self::Not(part) => !part.is_satisfied_by(user),
            Self::Is(predicate) => predicate.is_satisfied_by(user),
        }
    }
}

impl From<Predicate> for Specification {
    fn from(predicate: Predicate) -> Self {
        Self::Is(predicate)
    }
}

impl Predicate {
    /// A condition on a text, with the value as such texts are stored.
    pub(crate) fn text(attribute: TextAttribute, test: TextTest, value: &str) -> Self {
        // What starts an address is no domain until the `@` comes.
        let is_local = test == TextTest::StartsWith && !value.contains('@');
        let value = if attribute == TextAttribute::Email && !is_local {
            Folded::new(&Email::stored_form(value))
        } else {
            Folded::new(value)
        };
        Self::Text(attribute, test, value)
    }

    fn is_satisfied_by(&self, user: &Profile) -> bool {
        match self {
            Self::Text(TextAttribute::Roles, test, value) => {
                test.holds_for_roles(user.roles.iter(), value.as_str())
            }
            Self::Text(TextAttribute::Email, test, value) => {
                test.holds(Folded::new(user.email.as_str()).as_str(), value.as_str())
            }
            Self::Text(TextAttribute::Name, test, value) => {
                test.holds(Folded::new(user.name.as_str()).as_str(), value.as_str())
            }
            Self::Flag(FlagAttribute::Active, value) => user.active == *value,
            Self::Flag(FlagAttribute::EmailVerified, value) => user.email_verified == *value,
            Self::Time(attribute, comparison, value) => {
                let time = match attribute {
                    TimeAttribute::CreatedAt => user.created_at,
                    TimeAttribute::UpdatedAt => user.updated_at,
                };
                comparison.holds(&time, value)
            }
            Self::Present(Attribute::Text(TextAttribute::Roles)) => !user.roles.is_empty(),
            Self::Present(_) => true,
        }
    }
}
