//! The fields of a JSON body: every wrong one is reported at once.

use std::{collections::BTreeSet, str::FromStr};

use domain::{Error, FieldError, Result, error::Violation};
use serde_json::{Map, Value};

/// The fields of a body, taken one by one.
///
/// ```ignore
/// let mut fields = request.fields()?;
/// let email = fields.parse::<Email>("email");
/// let name = fields.parse::<Name>("name");
/// let (email, name) = fields.finish(email.zip(name))?;
/// ```
#[derive(Debug)]
pub struct Fields {
    fields: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// The fields of an object.
    pub fn new(fields: Map<String, Value>) -> Self {
        Self {
            fields,
            errors: Vec::new(),
        }
    }

    /// Takes a required text. Notes what is wrong with it, if anything is.
    pub fn text(&mut self, name: &str) -> Option<String> {
        match self.fields.remove(name) {
            Some(Value::String(text)) => Some(text),
            Some(_) => self.refuse(name, Violation::new("wrong-type", "must be a string")),
            None => self.refuse(name, Violation::new("required", "is missing")),
        }
    }

    /// Takes a required text and reads it as a `T`.
    pub fn parse<T: FromStr<Err = Violation>>(&mut self, name: &str) -> Option<T> {
        self.parse_with(name, T::from_str)
    }

    /// Takes a required text and reads it with `read`.
    pub fn parse_with<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, Violation>,
    ) -> Option<T> {
        let text = self.text(name)?;
        match read(&text) {
            Ok(value) => Some(value),
            Err(violation) => self.refuse(name, violation),
        }
    }

    /// Takes an optional text and reads it as a `T`. The outer option is about the body's being
    /// right, the inner about the field's being there.
    pub fn parse_optional<T: FromStr<Err = Violation>>(&mut self, name: &str) -> Option<Option<T>> {
        self.parse_optional_with(name, T::from_str)
    }

    /// [`Fields::parse_optional`] with another way to read it.
    pub fn parse_optional_with<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, Violation>,
    ) -> Option<Option<T>> {
        self.optional(name, |fields, name| fields.parse_with(name, read))
    }

    /// Takes a field by `take` if it is there. The options are those of [`Fields::parse_optional`].
    pub fn optional<T>(
        &mut self,
        name: &str,
        take: impl FnOnce(&mut Self, &str) -> Option<T>,
    ) -> Option<Option<T>> {
        if self.fields.contains_key(name) {
            take(self, name).map(Some)
        } else {
            Some(None)
        }
    }

    /// Takes a required truth value.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        match self.fields.remove(name) {
            Some(Value::Bool(flag)) => Some(flag),
            Some(_) => self.refuse(name, Violation::new("wrong-type", "must be true or false")),
            None => self.refuse(name, Violation::new("required", "is missing")),
        }
    }

    /// Takes a required array of texts and reads each as a `T`; repetitions count once. Notes every
    /// wrong element, each at its own place.
    pub fn parse_set<T: FromStr<Err = Violation> + Ord>(
        &mut self,
        name: &str,
        maximum: usize,
    ) -> Option<BTreeSet<T>> {
        let elements = match self.fields.remove(name) {
            Some(Value::Array(elements)) => elements,
            Some(_) => return self.refuse(name, Violation::new("wrong-type", "must be an array")),
            None => return self.refuse(name, Violation::new("required", "is missing")),
        };
        let known = self.errors.len();
        let mut set = BTreeSet::new();
        for (index, element) in elements.iter().enumerate() {
            let read = element
                .as_str()
                .ok_or_else(|| Violation::new("wrong-type", "must be a string"))
                .and_then(str::parse);
            match read {
                Ok(value) => {
                    set.insert(value);
                }
                Err(violation) => {
                    let place = format!("{}/{index}", pointer(name));
                    self.errors.push(violation.at(place));
                }
            }
        }
        if set.len() > maximum {
            let message = format!("must have at most {maximum} different elements");
            return self.refuse(name, Violation::new("too-many", message));
        }
        (self.errors.len() == known).then_some(set)
    }

    /// What was taken, if all of it was right and nothing is left over.
    ///
    /// # Errors
    /// Every wrong, missing and unknown field.
    pub fn finish<T>(mut self, taken: Option<T>) -> Result<T> {
        for name in std::mem::take(&mut self.fields).keys() {
            let error = Violation::new("unknown-field", "is not a field of this request");
            self.errors.push(error.at(pointer(name)));
        }
        match taken {
            Some(taken) if self.errors.is_empty() => Ok(taken),
            _ => Err(Error::Invalid(self.errors)),
        }
    }

    /// What is wrong with what was taken so far, where the rest cannot be judged without it.
    pub fn reject(self) -> Error {
        Error::Invalid(self.errors)
    }

    fn refuse<T>(&mut self, name: &str, violation: Violation) -> Option<T> {
        self.errors.push(violation.at(pointer(name)));
        None
    }
}

/// RFC 6901, 3.
fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use domain::{Email, Name, Role, Roles};
    use serde_json::json;

    use super::*;

    fn parse(body: Value) -> Result<(Email, Name), Vec<(String, &'static str)>> {
        let Value::Object(body) = body else {
            unreachable!("tests pass objects")
        };
        let mut fields = Fields::new(body);
        let email = fields.parse("email");
        let name = fields.parse("name");
        fields.finish(email.zip(name)).map_err(|error| match error {
            Error::Invalid(errors) => errors
                .into_iter()
                .map(|error| (error.pointer, error.code))
                .collect(),
            _ => unreachable!("fields are invalid or not"),
        })
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        assert!(parse(json!({"email": "ann@example.com", "name": "Ann"})).is_ok());
        let errors = parse(json!({"email": 7, "a/b": 1, "roles": ["admin"]})).unwrap_err();
        assert_eq!(
            errors,
            [
                ("/email".to_owned(), "wrong-type"),
                ("/name".to_owned(), "required"),
                ("/a~1b".to_owned(), "unknown-field"),
                ("/roles".to_owned(), "unknown-field"),
            ]
        );
    }

    fn parse_roles(body: Value) -> Result<Roles, Vec<(String, &'static str)>> {
        let mut fields = Fields::new(Map::from_iter([("roles".to_owned(), body)]));
        let roles = fields.parse_set::<Role>("roles", 2);
        fields.finish(roles).map_err(|error| match error {
            Error::Invalid(errors) => errors
                .into_iter()
                .map(|error| (error.pointer, error.code))
                .collect(),
            _ => unreachable!("fields are invalid or not"),
        })
    }

    #[test]
    fn every_wrong_element_is_named_at_its_place() {
        let roles = parse_roles(json!(["a", "b", "a"])).unwrap();
        assert_eq!(roles.len(), 2, "repetitions count once");
        assert_eq!(parse_roles(json!([])), Ok(Roles::new()));
        let wrong = |body| parse_roles(body).unwrap_err();
        assert_eq!(wrong(json!("a")), [("/roles".to_owned(), "wrong-type")]);
        assert_eq!(
            wrong(json!(["a", "B", 7])),
            [
                ("/roles/1".to_owned(), "invalid-role"),
                ("/roles/2".to_owned(), "wrong-type")
            ]
        );
        assert_eq!(
            wrong(json!(["a", "b", "c"])),
            [("/roles".to_owned(), "too-many")]
        );
    }
}
