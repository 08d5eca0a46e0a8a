//! The first administrator of a deployment.

use std::str::FromStr;

use super::{Email, error::Violation};

/// The address whose owner becomes administrator while there is none. Signing up with it is not enough:
/// what counts is a token that was mailed to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FirstAdmin(Option<Email>);

impl FirstAdmin {
    /// True if `email` is the address.
    pub fn is(&self, email: &Email) -> bool {
        self.0.as_ref() == Some(email)
    }
}

impl FromStr for FirstAdmin {
    type Err = String;

    /// Empty means nobody.
    fn from_str(raw: &str) -> Result<Self, String> {
        if raw.is_empty() {
            return Ok(Self(None));
        }
        raw.parse()
            .map(|email| Self(Some(email)))
            .map_err(|violation: Violation| violation.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_no_first_administrator_unless_one_is_named() {
        let ann: Email = "ann@example.com".parse().unwrap();
        assert!(!"".parse::<FirstAdmin>().unwrap().is(&ann));
        assert!("Ann@Example.com".parse::<FirstAdmin>().unwrap().is(&ann));
        assert!(!"bob@example.com".parse::<FirstAdmin>().unwrap().is(&ann));
        assert!("ann".parse::<FirstAdmin>().is_err());
    }
}
