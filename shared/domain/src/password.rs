//! Passwords and their hashes.

mod hash;
mod strength;

use std::{convert::Infallible, str::FromStr};

use secrecy::{ExposeSecret, SecretString};
use unicode_normalization::UnicodeNormalization;
use zxcvbn::Score;

use super::error::Violation;

pub use hash::{HashParams, PasswordHash, Scheme};

/// A password as typed, in NFC (NIST SP 800-63B-4, 3.1.1.2), so that one password typed
/// on two keyboards is one. Never shown, wiped when dropped.
#[derive(Debug, Clone)]
pub struct Password {
    normal: SecretString,
    /// What was typed, if that is not in NFC.
    typed: Option<SecretString>,
}

impl Password {
    /// The password to be compared with a stored hash. Any text may be tried.
    pub fn presented(raw: &str) -> Self {
        let normal: String = raw.nfc().collect();
        Self {
            typed: (normal != raw).then(|| raw.into()),
            normal: normal.into(),
        }
    }

    /// The normalised text, for the hasher alone.
    pub fn expose(&self) -> &str {
        self.normal.expose_secret()
    }

    /// The texts that may have been hashed, for the hasher alone: the normalised one, and what was
    /// typed if that is another. Other systems hash what was typed. Their number says nothing about
    /// any account.
    pub fn spellings(&self) -> impl Iterator<Item = &str> {
        let typed = self.typed.as_ref().map(ExposeSecret::expose_secret);
        std::iter::once(self.expose()).chain(typed)
    }
}

/// [`Password::presented`]: any text may be tried.
impl FromStr for Password {
    type Err = Infallible;

    fn from_str(raw: &str) -> Result<Self, Infallible> {
        Ok(Self::presented(raw))
    }
}

/// A password which satisfied the policy when it was chosen.
#[derive(Debug, Clone)]
pub struct NewPassword(Password);

impl NewPassword {
    pub fn as_password(&self) -> &Password {
        &self.0
    }
}

/// What a new password must satisfy.
#[derive(Debug, Clone, Copy)]
pub struct PasswordPolicy {
    /// Characters it must have at least; never below 8.
    minimum: usize,
}

/// NIST SP 800-63B-4, 3.1.1.2: at least 8 characters where another factor may follow.
const MIN_CHARS: usize = 8;

/// Far above what people type; bounds what the strength estimate and the hash have to read.
const MAX_CHARS: usize = 128;

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self { minimum: MIN_CHARS }
    }
}

impl PasswordPolicy {
    /// A policy with a minimum of `minimum` characters, held within 8 to 128.
    pub fn with_minimum(minimum: usize) -> Self {
        Self {
            minimum: minimum.clamp(MIN_CHARS, MAX_CHARS),
        }
    }

    /// Takes `raw` as a new password, to be judged later: so far only its length is right.
    pub fn measure(&self, raw: &str) -> Result<Password, Violation> {
        let password = Password::presented(raw);
        let chars = password.expose().chars().count();
        if chars < self.minimum {
            let message = format!("must have at least {} characters", self.minimum);
            return Err(Violation::new("too-short", message));
        }
        if chars > MAX_CHARS {
            let message = format!("must have at most {MAX_CHARS} characters");
            return Err(Violation::new("too-long", message));
        }
        Ok(password)
    }

    /// Takes `raw` as a new password of a person known by the words in `context`: name, address. Costs
    /// up to half a hash, so a caller spends a limit first.
    pub fn choose(&self, raw: &str, context: &[&str]) -> Result<NewPassword, Violation> {
        let password = self.measure(raw)?;
        let words: Vec<&str> = context.iter().flat_map(|text| words_of(text)).collect();
        let estimate = strength::estimate(password.expose(), &words);
        if estimate.score() < Score::Three {
            // The warning names a kind of weakness, never the password.
            let hint = estimate
                .feedback()
                .and_then(zxcvbn::feedback::Feedback::warning)
                .map_or_else(String::new, |warning| format!(": {warning}"));
            return Err(Violation::new(
                "too-weak",
                format!("is too easy to guess{hint}"),
            ));
        }
        Ok(NewPassword(password))
    }
}

/// A text and its words: `ann.example@mail.org` gives also `ann`, `example`, `mail`, `org`.
fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .chain(std::iter::once(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(raw: &str) -> Result<(), &'static str> {
        PasswordPolicy::default()
            .choose(raw, &["Ann Example", "ann.example@mail.org"])
            .map(|_| ())
            .map_err(|violation| violation.code)
    }

    #[test]
    fn strong_passwords_are_taken() {
        for raw in [
            "correct horse battery staple",
            "tr0ub4dour&3-kestrel",
            "пароль-длинный-кит-7",
        ] {
            assert_eq!(choose(raw), Ok(()), "{raw}");
        }
    }

    #[test]
    fn long_passwords_are_taken_whole() {
        let words =
            "correct horse battery staple, seven purple kites aloft, plain granite kettle 47";
        let longest: String = words.chars().cycle().take(MAX_CHARS).collect();
        for length in [64, 65, MAX_CHARS] {
            let raw = &longest[..length];
            let taken = PasswordPolicy::default().choose(raw, &[]).unwrap();
            assert_eq!(taken.as_password().expose(), raw);
        }
    }

    #[test]
    fn weak_ones_are_not() {
        assert_eq!(choose("short7!"), Err("too-short"));
        assert_eq!(choose(&"xk7 ".repeat(33)), Err("too-long"));
        for raw in [
            "password1",
            "12345678",
            "ann.example",
            "Ann Example",
            "mail.org1",
            "aaaaaaaaaaaa",
        ] {
            assert_eq!(choose(raw), Err("too-weak"), "{raw}");
        }
    }

    #[test]
    fn a_password_of_the_third_of_four_grades_and_of_the_greatest_length_is_taken() {
        let raw = "qxvkzjwpb";
        assert_eq!(strength::estimate(raw, &[]).score(), Score::Three);
        assert_eq!(choose(raw), Ok(()));
        let longest = "kestrel-pine-42!".repeat(8);
        assert_eq!(longest.len(), MAX_CHARS);
        assert_eq!(choose(&longest), Ok(()));
    }

    #[test]
    fn the_minimum_can_be_raised_but_not_lowered() {
        let strict = PasswordPolicy::with_minimum(20);
        assert_eq!(
            strict.choose("kestrel-pine-42!", &[]).unwrap_err().code,
            "too-short"
        );
        let lax = PasswordPolicy::with_minimum(1);
        assert_eq!(lax.choose("x7#kq!", &[]).unwrap_err().code, "too-short");
    }

    #[test]
    fn one_password_typed_on_two_keyboards_is_one() {
        assert_eq!(
            Password::presented("caf\u{e9}").expose(),
            Password::presented("cafe\u{301}").expose()
        );
    }

    #[test]
    fn what_was_typed_is_tried_beside_its_normal_form() {
        let spellings = |raw| {
            let password = Password::presented(raw);
            password.spellings().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(spellings("caf\u{e9}"), ["caf\u{e9}"]);
        assert_eq!(spellings("cafe\u{301}"), ["caf\u{e9}", "cafe\u{301}"]);
    }

    #[test]
    fn debug_shows_nothing() {
        let password = Password::presented("correct horse");
        assert!(!format!("{password:?}").contains("horse"));
    }
}
