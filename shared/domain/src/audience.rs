//! For whom access tokens are: Roster itself, or another service, by its name.

use std::str::FromStr;

use super::{FieldError, error::Violation};

/// The name of a service other than Roster: the `aud` of its access tokens (RFC 7519, 4.1.3). 1 to 255
/// visible ASCII characters without comma.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience(String);

impl Audience {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Audience {
    type Err = Violation;

    fn from_str(raw: &str) -> Result<Self, Violation> {
        let is_allowed = |byte: u8| byte.is_ascii_graphic() && byte != b',';
        if (1..=255).contains(&raw.len()) && raw.bytes().all(is_allowed) {
            Ok(Self(raw.to_owned()))
        } else {
            Err(unknown())
        }
    }
}

/// The services for which people may ask access tokens: names separated by commas.
#[derive(Debug, Clone, Default)]
pub struct Audiences(Vec<Audience>);

impl Audiences {
    /// Lets a client ask for a token of this audience.
    ///
    /// # Errors
    /// If it is none of these.
    pub fn admit(&self, asked: Option<&Audience>) -> Result<(), FieldError> {
        match asked {
            Some(audience) if !self.0.contains(audience) => Err(unknown().at("/audience")),
            _ => Ok(()),
        }
    }
}

impl FromStr for Audiences {
    type Err = String;

    fn from_str(raw: &str) -> Result<Self, String> {
        let names = raw
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        let audiences = names.map(|name| {
            let parsed = name.parse();
            parsed.map_err(|_| format!("has `{name}`, which is not 1 to 255 visible characters"))
        });
        audiences.collect::<Result<_, String>>().map(Self)
    }
}

fn unknown() -> Violation {
    Violation::new("unknown-audience", "is not a service of this deployment")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_services_are_asked_for() {
        let audiences: Audiences = "billing, https://reports.example.com,".parse().unwrap();
        for known in ["billing", "https://reports.example.com"] {
            assert!(audiences.admit(Some(&known.parse().unwrap())).is_ok());
        }
        assert!(audiences.admit(None).is_ok(), "Roster itself");
        for unknown in ["Billing", "roster", "billing/"] {
            let refused = audiences.admit(Some(&unknown.parse().unwrap()));
            let refused = refused.unwrap_err();
            assert_eq!(
                (&*refused.pointer, refused.code),
                ("/audience", "unknown-audience")
            );
        }
        let none: Audiences = "".parse().unwrap();
        assert!(none.admit(Some(&"billing".parse().unwrap())).is_err());
        assert!("bill ing".parse::<Audiences>().is_err());
    }

    #[test]
    fn a_name_has_visible_characters() {
        for bad in ["", "a b", "a,b", "\u{e9}", &"a".repeat(256)] {
            assert_eq!(
                bad.parse::<Audience>().unwrap_err().code,
                "unknown-audience",
                "{bad}"
            );
        }
    }
}
