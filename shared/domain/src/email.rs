//! E-mail addresses.

use std::{fmt, str::FromStr};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use email_address::{EmailAddress, Options};
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest as _, Sha256};
use unicode_normalization::UnicodeNormalization;

use super::error::Violation;

/// Bytes in an address: RFC 5321 4.5.3.1.3 with erratum 1690.
const MAX_BYTES: usize = 254;

/// An address in the one form by which it is compared and stored: trimmed, NFC, lower-cased, its
/// domain in ASCII form (RFC 5891).
///
/// RFC 5321 lets a mail host tell `Ann@` from `ann@`; none in use does, and people type both.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// An address read back from storage, taken as it is: what was accepted once stays readable
    /// when a later release accepts less. Input is parsed instead.
    pub fn stored(raw: String) -> Self {
        Self(raw)
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands for the address where it is not to be kept itself: base64url of its SHA-256.
    pub fn digest(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&self.0))
    }

    /// The address for logs: its first character and its domain's last label.
    pub fn masked(&self) -> String {
        let first = self.0.chars().next().unwrap_or('*');
        let suffix = self.0.rsplit('.').next().unwrap_or_default();
        format!("{first}***@***.{suffix}")
    }
}

impl FromStr for Email {
    type Err = Violation;

    fn from_str(raw: &str) -> Result<Self, Violation> {
        let invalid = || Violation::new("invalid-email", "is not an e-mail address");
        let folded: String = raw
            .trim()
            .nfc()
            .collect::<String>()
            .to_lowercase()
            .nfc()
            .collect();
        let (local, domain) = folded.rsplit_once('@').ok_or_else(invalid)?;
        let domain = idna::domain_to_ascii_strict(domain).map_err(|_| invalid())?;
        let address = format!("{local}@{domain}");
        if address.len() > MAX_BYTES {
            return Err(Violation::new("too-long", "has more than 254 bytes"));
        }
        let options = Options::default()
            .with_required_tld()
            .without_domain_literal()
            .without_display_text();
        EmailAddress::parse_with_options(&address, options).map_err(|_| invalid())?;
        // A quoted local part may hold spaces and control characters; no provider gives one out.
        if local.starts_with('"') || local.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(invalid());
        }
        Ok(Self(address))
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Masked, so that no address gets into logs by way of `{:?}`.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Email({})", self.masked())
    }
}

/// As [`Email::stored`]: only stored values are deserialized.
impl<'de> Deserialize<'de> for Email {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn email(raw: &str) -> Result<String, &'static str> {
        raw.parse::<Email>()
            .map(|email| email.0)
            .map_err(|violation| violation.code)
    }

    #[test]
    fn spellings_of_one_address_are_one() {
        for raw in ["ann@example.com", " Ann@Example.COM ", "ANN@EXAMPLE.COM"] {
            assert_eq!(email(raw).as_deref(), Ok("ann@example.com"));
        }
        assert_eq!(
            email("a@bücher.example").as_deref(),
            Ok("a@xn--bcher-kva.example")
        );
        // Composed and decomposed é.
        assert_eq!(
            email("Ren\u{e9}@example.com"),
            email("rene\u{301}@example.com")
        );
    }

    #[test]
    fn what_is_no_address_is_rejected() {
        for raw in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "ann@@example.com",
            "ann@localhost",
            "ann@[127.0.0.1]",
            "Ann <ann@example.com>",
            "\"a b\"@example.com",
            "a b@example.com",
            "a\u{0}@example.com",
            "ann@-example.com",
            "ann@exa_mple.com",
            ".ann@example.com",
        ] {
            assert_eq!(email(raw), Err("invalid-email"), "{raw:?}");
        }
        assert_eq!(
            email(&format!(
                "{}@{}.com",
                "a".repeat(60),
                "b.".repeat(100) + "b"
            )),
            Err("too-long")
        );
    }

    #[test]
    fn a_stored_address_is_read_back_even_if_it_would_be_refused_today() {
        for raw in ["ann@localhost", "Ann@Example.com", "no address", ""] {
            let read: Email = serde_json::from_value(raw.into()).unwrap();
            assert_eq!(read.as_str(), raw);
            assert_eq!(read, Email::stored(raw.to_owned()));
        }
    }

    #[test]
    fn debug_shows_no_address() {
        let email: Email = "ann.example@example.com".parse().unwrap();
        assert_eq!(format!("{email:?}"), "Email(a***@***.com)");
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(raw in "\\PC{0,20}@[a-zA-ZäöüÄÖÜ0-9-]{1,10}\\.[a-zA-Z]{2,6}") {
            if let Ok(email) = raw.parse::<Email>() {
                prop_assert_eq!(email.as_str().parse::<Email>(), Ok(email));
            }
        }

        #[test]
        fn nothing_panics(raw in "\\PC*") {
            let _ = raw.parse::<Email>();
        }
    }
}
