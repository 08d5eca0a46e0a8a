//! Query parameters: every wrong one is reported at once.

use std::str::FromStr;

use domain::{Error, FieldError, Result, error::Violation};

/// Query parameters, taken one by one. Errors are reported in the order in which the parameters are
/// taken, after repeated names and before unknown ones.
///
/// ```ignore
/// let mut parameters = Parameters::new(request.query());
/// let user = parameters.parse::<UserId>("user");
/// let limit = parameters.number("limit", 100);
/// parameters.finish()?;
/// ```
#[derive(Debug)]
pub struct Parameters<'a> {
    given: Vec<(&'a str, &'a str)>,
    errors: Vec<FieldError>,
}

impl<'a> Parameters<'a> {
    /// The names and values given, decoded. A name given more than once is an error.
    pub fn new(given: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut parameters = Self {
            given: Vec::new(),
            errors: Vec::new(),
        };
        for (name, value) in given {
            if parameters.has(name) {
                parameters.refuse(name, Violation::new("repeated", "is given more than once"));
            } else {
                parameters.given.push((name, value));
            }
        }
        parameters
    }

    /// True if a parameter was given and not taken yet, valid or not.
    pub fn has(&self, name: &str) -> bool {
        self.given.iter().any(|(known, _)| *known == name)
    }

    /// True if a parameter has an error.
    pub fn is_wrong(&self, name: &str) -> bool {
        self.errors.iter().any(|error| error.pointer == name)
    }

    /// Takes a parameter, if it was given and is valid.
    pub fn parse<T: FromStr<Err = Violation>>(&mut self, name: &str) -> Option<T> {
        self.take(name, str::parse)
    }

    /// Takes a whole number from 1 to `max`, if it was given and is one.
    pub fn number(&mut self, name: &str, max: u32) -> Option<u32> {
        self.take(name, |value| number(value, max))
    }

    /// Takes a parameter which `read` parses.
    pub fn take<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, Violation>,
    ) -> Option<T> {
        let place = self.given.iter().position(|(known, _)| *known == name)?;
        let (_, value) = self.given.remove(place);
        read(value)
            .map_err(|violation| self.refuse(name, violation))
            .ok()
    }

    /// Adds an error of a parameter.
    pub fn refuse(&mut self, name: &str, violation: Violation) {
        self.errors.push(violation.at(name));
    }

    /// Ends the reading: parameters which were not taken are unknown.
    ///
    /// # Errors
    /// All errors.
    pub fn finish(mut self) -> Result<()> {
        for (name, _) in std::mem::take(&mut self.given) {
            let violation =
                Violation::new("unknown-parameter", "is not a parameter of this request");
            self.refuse(name, violation);
        }
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(self.errors))
        }
    }
}

/// Digits only: `u32`'s own parser takes a plus sign.
fn number(value: &str, max: u32) -> Result<u32, Violation> {
    Some(value)
        .filter(|value| value.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|value| value.parse().ok())
        .filter(|number| (1..=max).contains(number))
        .ok_or_else(|| {
            let message = format!("is not a whole number from 1 to {max}");
            Violation::new("out-of-range", message)
        })
}

#[cfg(test)]
mod tests {
    use domain::UserId;

    use super::*;

    #[test]
    fn every_wrong_parameter_is_reported() {
        let given = [
            ("user", "ann"),
            ("limit", "101"),
            ("colour", "red"),
            ("limit", "5"),
        ];
        let mut parameters = Parameters::new(given);
        assert_eq!(parameters.parse::<UserId>("user"), None);
        assert_eq!(parameters.number("limit", 100), None);
        assert_eq!(parameters.number("page", 9), None);
        let Err(Error::Invalid(errors)) = parameters.finish() else {
            panic!("not refused");
        };
        let errors: Vec<_> = errors
            .iter()
            .map(|error| (error.pointer.as_str(), error.code))
            .collect();
        assert_eq!(
            errors,
            [
                ("limit", "repeated"),
                ("user", "invalid-id"),
                ("limit", "out-of-range"),
                ("colour", "unknown-parameter"),
            ]
        );
    }

    #[test]
    fn a_number_is_digits_within_the_range() {
        for raw in ["", "0", "101", "+1", "-1", "1.0", "1e1", " 1", "4294967296"] {
            let mut parameters = Parameters::new([("limit", raw)]);
            assert_eq!(parameters.number("limit", 100), None, "{raw:?}");
            assert!(parameters.is_wrong("limit"));
        }
    }

    #[test]
    fn right_parameters_are_taken() {
        let mut parameters = Parameters::new([("limit", "5")]);
        assert_eq!(parameters.number("limit", 100), Some(5));
        assert!(parameters.finish().is_ok());
    }
}
