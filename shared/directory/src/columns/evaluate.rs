//! Specifications over columns: each predicate is one pass and gives a set of rows.

use super::{bits::Bits, rows::Rows, text::Within};
use crate::query::{
    filter::{
        Attribute, FlagAttribute, Predicate, Specification, TextAttribute, TextTest, TimeAttribute,
    },
    fold::Folded,
};

impl Rows {
    /// The rows that satisfy a specification, deleted ones included.
    pub(super) fn satisfying(&self, specification: &Specification) -> Bits {
        match specification {
            Specification::All(parts) => {
                let mut all = Bits::all(self.len(), true);
                for part in parts {
                    all.and(&self.satisfying(part));
                }
                all
            }
            Specification::Any(parts) => {
                let mut any = Bits::all(self.len(), false);
                for part in parts {
                    any.or(&self.satisfying(part));
                }
                any
            }
            Specification::Not(part) => {
                let mut rest = self.satisfying(part);
                rest.invert();
                rest
            }
            Specification::Is(predicate) => self.satisfying_predicate(predicate),
        }
    }

    fn satisfying_predicate(&self, predicate: &Predicate) -> Bits {
        match predicate {
            Predicate::Text(TextAttribute::Roles, test, value) => {
                let sets = self
                    .role_sets
                    .test(|roles| test.holds_for_roles(roles.iter(), value.as_str()));
                self.with_roles(&sets)
            }
            Predicate::Text(TextAttribute::Name, TextTest::Contains, value) => {
                self.texts.containing(value.as_str(), Within::Name)
            }
            Predicate::Text(TextAttribute::Email, TextTest::Contains, value) => {
                self.texts.containing(value.as_str(), Within::Email)
            }
            Predicate::Text(TextAttribute::Name, test, value) => {
                self.texts_satisfying(*test, value, |row| self.texts.name(row))
            }
            Predicate::Text(TextAttribute::Email, test, value) => {
                self.texts_satisfying(*test, value, |row| self.texts.email(row))
            }
            Predicate::Flag(attribute, value) => {
                let mut bits = match attribute {
                    FlagAttribute::Active => self.active.clone(),
                    FlagAttribute::EmailVerified => self.verified.clone(),
                };
                if !value {
                    bits.invert();
                }
                bits
            }
            Predicate::Time(attribute, comparison, value) => {
                let column = match attribute {
                    TimeAttribute::CreatedAt => &self.created,
                    TimeAttribute::UpdatedAt => &self.updated,
                };
                let value = value.as_micros();
                Bits::of(column, |time| comparison.holds(time, &value))
            }
            Predicate::Present(Attribute::Text(TextAttribute::Roles)) => {
                self.with_roles(&self.role_sets.test(|roles| !roles.is_empty()))
            }
            Predicate::Present(_) => Bits::all(self.len(), true),
        }
    }

    /// The rows whose set of roles is one of these.
    fn with_roles(&self, sets: &[bool]) -> Bits {
        Bits::of(&self.roles, |number| {
            sets.get(*number as usize).is_some_and(|set| *set)
        })
    }

    /// UTF-8 compares as its code points do, so bytes are compared and no text is checked.
    fn texts_satisfying<'a>(
        &'a self,
        operator: TextTest,
        value: &Folded,
        text_of: impl Fn(usize) -> &'a [u8],
    ) -> Bits {
        let value = value.as_str().as_bytes();
        let mut row = 0;
        Bits::of(&self.ids, |_| {
            let text = text_of(row);
            row += 1;
            match operator {
                TextTest::StartsWith => text.starts_with(value),
                TextTest::EndsWith => text.ends_with(value),
                TextTest::Compares(comparison) => comparison.holds(text, value),
                TextTest::Contains => memchr::memmem::find(text, value).is_some(),
            }
        })
    }
}
