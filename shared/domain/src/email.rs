//! E-mail addresses.

use std::{fmt, str::FromStr};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use email_address::{EmailAddress, Options};
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest as _, Sha256};
use unicode_normalization::UnicodeNormalization;

use super::{error::Violation, visibility};

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

    /// An address by which somebody wants to be found. It may be one of those that were accepted once
    /// and are not any more.
    ///
    /// # Errors
    /// If no user can ever have had it, or if it has a character that cannot be seen: whoever pasted
    /// it there would be told of a wrong password.
    pub fn presented(raw: &str) -> Result<Self, Violation> {
        let folded = folded(raw.trim());
        if folded.chars().any(visibility::is_invisible) {
            return Err(invalid("has a character that cannot be seen; type it anew"));
        }
        let no_address = || invalid("is not an e-mail address");
        let (local, domain) = folded.rsplit_once('@').ok_or_else(no_address)?;
        // A quoted local part may hold spaces and dots anywhere; providers that give one out are rare.
        if local.starts_with('"') || local.chars().any(char::is_whitespace) {
            return Err(invalid("has quotes or spaces before the @"));
        }
        if local.starts_with('.') || local.ends_with('.') || local.contains("..") {
            return Err(invalid("has a dot too many before the @ (RFC 5321, 4.1.2)"));
        }
        let domain = idna::domain_to_ascii_strict(domain).map_err(|_| no_address())?;
        let address = format!("{local}@{domain}");
        if address.len() > MAX_BYTES {
            return Err(Violation::new("too-long", "has more than 254 bytes"));
        }
        let options = Options::default()
            .with_required_tld()
            .without_domain_literal()
            .without_display_text();
        EmailAddress::parse_with_options(&address, options).map_err(|_| no_address())?;
        Ok(Self(address))
    }

    /// A part of an address as addresses are stored. Without an `@` it is taken for a part of a domain.
    pub fn stored_form(part: &str) -> String {
        let folded = folded(part);
        let (local, domain) = match folded.rfind('@') {
            Some(at) => folded.split_at(at + 1),
            None => ("", folded.as_str()),
        };
        match idna::domain_to_ascii(domain) {
            Ok(ascii) => format!("{local}{ascii}"),
            Err(_) => folded,
        }
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

    /// An address to which mail can be sent.
    fn from_str(raw: &str) -> Result<Self, Violation> {
        let email = Self::presented(raw)?;
        let (local, domain) = email.0.rsplit_once('@').unwrap_or_default();
        if !local.is_ascii() {
            // Amazon SES sends to no other (it has no SMTPUTF8, RFC 6531).
            return Err(invalid(
                "has letters before the @ to which no mail can be sent",
            ));
        }
        let top_level = domain.rsplit('.').next().unwrap_or_default();
        if top_level.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(invalid("has a number for a domain"));
        }
        Ok(email)
    }
}

/// NFC, lower-cased.
fn folded(raw: &str) -> String {
    let composed: String = raw.nfc().collect();
    composed.to_lowercase().nfc().collect()
}

fn invalid(message: &'static str) -> Violation {
    Violation::new("invalid-email", message)
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
        // Composed and decomposed ü.
        assert_eq!(
            email("a@b\u{fc}cher.example"),
            email("a@bu\u{308}cher.example")
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
            "\"ann\"@example.com",
            "a b@example.com",
            "a\u{0}@example.com",
            "ann@-example.com",
            "ann@exa_mple.com",
            ".ann@example.com",
            "ann.@example.com",
            "a..b@example.com",
            "\"a..b\"@example.com",
            "ann@192.0.2.1",
            "ann@[192.0.2.1]",
            "ann@[IPv6:::1]",
            "ann@example.123",
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
    fn an_address_has_what_ses_can_send_to_before_the_at() {
        for raw in ["jos\u{e9}@example.com", "\u{430}nn@example.com"] {
            let violation = raw.parse::<Email>().unwrap_err();
            assert_eq!(violation.code, "invalid-email", "{raw}");
            assert!(violation.message.contains("before the @"), "{raw}");
        }
        assert_eq!(
            email("ann@ex\u{430}mple.com").as_deref(),
            Ok("ann@xn--exmple-4nf.com")
        );
    }

    #[test]
    fn what_is_wrong_before_the_at_is_said() {
        for (raw, what) in [
            ("\"ann\"@example.com", "quotes or spaces"),
            ("a b@example.com", "quotes or spaces"),
            (".ann@example.com", "a dot too many"),
            ("ann.@example.com", "a dot too many"),
            ("a..b@example.com", "a dot too many"),
        ] {
            let violation = Email::presented(raw).unwrap_err();
            assert!(violation.message.contains(what), "{raw}: {violation:?}");
        }
    }

    #[test]
    fn an_address_has_254_bytes_at_most() {
        let domain = |last: usize| {
            let [full, last] = [63, last].map(|length| "b".repeat(length));
            format!("{full}.{full}.{last}.com")
        };
        let address = |last| format!("{}@{}", "a".repeat(64), domain(last));
        assert_eq!(address(57).len(), MAX_BYTES);
        assert!(email(&address(57)).is_ok());
        assert_eq!(email(&address(58)), Err("too-long"));
    }

    #[test]
    fn what_cannot_be_seen_is_not_in_an_address() {
        for raw in [
            "\u{200b}ann@example.com",
            "\u{feff}ann@example.com",
            "an\u{200b}n@example.com",
            "an\u{ad}n@example.com",
            "\u{2060}ann@example.com",
            "ann@exam\u{200b}ple.com",
            "ann\u{202e}@example.com",
        ] {
            for violation in [
                raw.parse::<Email>().unwrap_err(),
                Email::presented(raw).unwrap_err(),
            ] {
                assert_eq!(violation.code, "invalid-email", "{raw:?}");
                assert!(violation.message.contains("cannot be seen"), "{raw:?}");
            }
        }
        // Around it, spaces of every kind are cut off.
        assert_eq!(
            email("\u{a0}ann@example.com\t\n").as_deref(),
            Ok("ann@example.com")
        );
    }

    #[test]
    fn who_was_accepted_once_is_found_still() {
        for raw in ["Jos\u{e9}@example.com", "ann@192.0.2.1"] {
            assert!(raw.parse::<Email>().is_err());
            let found = Email::presented(raw).unwrap();
            assert_eq!(found.as_str(), raw.to_lowercase());
        }
    }

    #[test]
    fn a_part_of_an_address_has_a_stored_form() {
        for (part, stored) in [
            ("B\u{fc}cher", "xn--bcher-kva"),
            ("@b\u{fc}cher.Example", "@xn--bcher-kva.example"),
            ("Ann@b\u{fc}cher.example", "ann@xn--bcher-kva.example"),
            ("Jos\u{e9}@", "jos\u{e9}@"),
            ("Ann", "ann"),
            ("", ""),
        ] {
            assert_eq!(Email::stored_form(part), stored, "{part}");
        }
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
