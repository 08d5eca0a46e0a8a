//! Specifications as filter expressions of `DynamoDB`.
//!
//! `export --filter` reads the feed with it: what the filter drops is not sent, which on a large table
//! saves most of the time, though no read units. (`GET /users` filters in memory.) The contract test
//! `matching` holds it against the other two evaluations of a specification.
//!
//! `DynamoDB` compares texts byte by byte without case folding, and a filter may not name the keys of
//! its index. So not every predicate has an expression:
//!
//! | predicate | expression |
//! |---|---|
//! | active, emailVerified, createdAt | the same |
//! | roles eq, ne, pr | the same: roles are lower-case words |
//! | email eq, co, sw, ew with an @ | that the address contains the rest from the @ on: a domain is ASCII |
//! | other tests of email and roles, all of name, updatedAt | none |
//!
//! For the last two kinds there are two bounds: the users who may satisfy the predicate, and those
//! who surely do. A filter asks for those who may; `not` swaps the bounds. So the filter lets pass all
//! users who satisfy the specification and some who do not; the reader evaluates the specification
//! on what it gets.

use aws_sdk_dynamodb::types::AttributeValue;
use directory::{
    Specification,
    query::filter::{
        Attribute, Comparison, FlagAttribute, Predicate, TextAttribute, TextTest, TimeAttribute,
    },
};

use super::item::{number, text};

/// A filter of the feed, with the values of its placeholders.
#[derive(Debug)]
pub(super) struct Filter {
    expression: String,
    values: Vec<(String, AttributeValue)>,
}

/// Which bound an expression is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    /// At least all who satisfy the specification.
    May,
    /// At most those who satisfy it.
    Surely,
}

/// The users an expression lets pass.
#[derive(Debug)]
enum Term {
    Everybody,
    Nobody,
    /// `AND` and `OR` are in parentheses; `DynamoDB` refuses redundant ones.
    Those(String),
}

/// Existing users.
const PRESENT: &str = "attribute_not_exists(#deleted)";

impl Filter {
    /// The filter for existing users who may satisfy a specification.
    pub(super) fn of(specification: &Specification) -> Self {
        let mut filter = Self {
            expression: String::new(),
            values: Vec::new(),
        };
        filter.expression = match filter.term(specification, Bound::May) {
            Term::Everybody => PRESENT.to_owned(),
            Term::Nobody => format!("{PRESENT} AND attribute_exists(#deleted)"),
            Term::Those(those) => format!("{PRESENT} AND {those}"),
        };
        filter
    }

    pub(super) fn expression(&self) -> &str {
        &self.expression
    }

    /// The values of its placeholders.
    pub(super) fn values(&self) -> impl Iterator<Item = (&str, AttributeValue)> {
        let values = self.values.iter();
        values.map(|(name, value)| (name.as_str(), value.clone()))
    }

    fn term(&mut self, specification: &Specification, bound: Bound) -> Term {
        match specification {
            Specification::All(parts) => self.joined(parts, bound, " AND "),
            Specification::Any(parts) => self.joined(parts, bound, " OR "),
            Specification::Not(part) => {
                let other = match bound {
                    Bound::May => Bound::Surely,
                    Bound::Surely => Bound::May,
                };
                match self.term(part, other) {
                    Term::Everybody => Term::Nobody,
                    Term::Nobody => Term::Everybody,
                    Term::Those(those) => Term::Those(format!("NOT {those}")),
                }
            }
            Specification::Is(predicate) => self.predicate(predicate, bound),
        }
    }

    fn joined(&mut self, parts: &[Specification], bound: Bound, word: &str) -> Term {
        let is_all = word == " AND ";
        let values = self.values.len();
        let mut those = Vec::new();
        for part in parts {
            match self.term(part, bound) {
                Term::Everybody if is_all => {}
                Term::Nobody if !is_all => {}
                Term::Those(term) => those.push(term),
                decided => {
                    // DynamoDB refuses values that no placeholder stands for.
                    self.values.truncate(values);
                    return decided;
                }
            }
        }
        match those.as_slice() {
            [] if is_all => Term::Everybody,
            [] => Term::Nobody,
            [one] => Term::Those(one.clone()),
            many => Term::Those(format!("({})", many.join(word))),
        }
    }

    fn predicate(&mut self, predicate: &Predicate, bound: Bound) -> Term {
        match predicate {
            Predicate::Flag(attribute, value) => {
                let name = match attribute {
                    FlagAttribute::Active => "#active",
                    FlagAttribute::EmailVerified => "#emailVerified",
                };
                let value = self.value(AttributeValue::Bool(*value));
                Term::Those(format!("{name} = {value}"))
            }
            Predicate::Time(TimeAttribute::CreatedAt, comparison, time) => {
                let value = self.value(text(time));
                Term::Those(format!("#createdAt {} {value}", sign(*comparison)))
            }
            Predicate::Text(TextAttribute::Roles, TextTest::Compares(Comparison::Equal), role) => {
                let value = self.value(text(role.as_str()));
                Term::Those(format!("contains(#roles, {value})"))
            }
            Predicate::Text(
                TextAttribute::Roles,
                TextTest::Compares(Comparison::NotEqual),
                role,
            ) => {
                let value = self.value(text(role.as_str()));
                Term::Those(format!("NOT contains(#roles, {value})"))
            }
            Predicate::Present(Attribute::Text(TextAttribute::Roles)) => {
                let value = self.value(number(0));
                Term::Those(format!("size(#roles) > {value}"))
            }
            Predicate::Present(_) => Term::Everybody,
            Predicate::Text(TextAttribute::Email, test, value) if bound == Bound::May => {
                self.domain(*test, value.as_str())
            }
            Predicate::Text(..) | Predicate::Time(TimeAttribute::UpdatedAt, ..) => match bound {
                Bound::May => Term::Everybody,
                Bound::Surely => Term::Nobody,
            },
        }
    }

    /// The users whose address may pass the test, judged by its domain.
    fn domain(&mut self, test: TextTest, value: &str) -> Term {
        let is_part = !matches!(
            test,
            TextTest::Compares(
                Comparison::NotEqual
                    | Comparison::Greater
                    | Comparison::GreaterOrEqual
                    | Comparison::Less
                    | Comparison::LessOrEqual
            )
        );
        match value.rfind('@').and_then(|at| value.get(at..)) {
            Some(rest) if is_part => {
                let rest = self.value(text(rest));
                Term::Those(format!("contains(#email, {rest})"))
            }
            _ => Term::Everybody,
        }
    }

    /// A placeholder for a value.
    fn value(&mut self, value: AttributeValue) -> String {
        let name = format!(":is{}", self.values.len());
        self.values.push((name.clone(), value));
        name
    }
}

fn sign(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "=",
        Comparison::NotEqual => "<>",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(filter: &str) -> String {
        let specification: Specification = filter.parse().unwrap();
        let filter = Filter::of(&specification);
        let named = filter
            .values()
            .filter(|(name, _)| filter.expression.contains(name));
        assert_eq!(named.count(), filter.values.len(), "{}", filter.expression);
        filter.expression.replace(PRESENT, "…")
    }

    #[test]
    fn what_dynamodb_can_tell_it_is_asked() {
        for (filter, expected) in [
            ("active eq true", "… AND #active = :is0"),
            (
                r#"not (roles eq "admin" or emailVerified eq false)"#,
                "… AND NOT (contains(#roles, :is0) OR #emailVerified = :is1)",
            ),
            (
                r#"createdAt ge "2026-01-01T00:00:00Z" and roles pr"#,
                "… AND (#createdAt >= :is0 AND size(#roles) > :is1)",
            ),
            (r#"email ew "@example.com""#, "… AND contains(#email, :is0)"),
        ] {
            assert_eq!(expression(filter), expected, "{filter}");
        }
    }

    #[test]
    fn whom_dynamodb_cannot_tell_it_lets_pass() {
        for (filter, expected) in [
            (r#"name co "ann""#, "…"),
            (r#"not (name co "ann")"#, "…"),
            (r#"not (email ew "@example.com")"#, "…"),
            (
                r#"name co "ann" and active eq true"#,
                "… AND #active = :is0",
            ),
            (r#"active eq true or name co "ann""#, "…"),
            (
                r#"not (name co "ann" or active eq true)"#,
                "… AND NOT #active = :is0",
            ),
            ("not (email pr)", "… AND attribute_exists(#deleted)"),
        ] {
            assert_eq!(expression(filter), expected, "{filter}");
        }
    }
}
