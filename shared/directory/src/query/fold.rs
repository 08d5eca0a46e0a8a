//! Text as it is compared: without letter case, and with one encoding for each character.

use std::fmt;

use icu_casemap::CaseMapper;
use unicode_normalization::UnicodeNormalization as _;

/// Text without letter case, in NFC: canonical caseless matching (Unicode 3.13, D145), so that
/// `ANN` is `ann`, `straße` is `STRASSE`, and é is é however it was typed.
///
/// Folding is the same in every language; Turkish dotted and dotless i stay different letters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Folded(String);

impl Folded {
    /// Folds a text. Folding what is folded changes nothing.
    pub fn new(text: &str) -> Self {
        if text.is_ascii() {
            return Self(text.to_ascii_lowercase());
        }
        // Decomposed first: an iota below the line (U+0345) folds to a letter, which must not pass
        // the marks it stood behind.
        let decomposed: String = text.nfd().collect();
        let folded = CaseMapper::new().fold_string(&decomposed);
        Self(folded.nfc().collect())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Hidden, as the names and addresses it may come from.
impl fmt::Debug for Folded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Folded(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fold(text: &str) -> String {
        Folded::new(text).0
    }

    #[test]
    fn spellings_people_take_for_one_are_one() {
        for (one, other) in [
            ("ANN", "ann"),
            ("straße", "STRASSE"),
            ("STRAẞE", "strasse"),
            ("\u{fb01}nn", "FINN"),
            ("Ren\u{e9}", "RENE\u{301}"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("\u{212b}ngstr\u{f6}m", "a\u{30a}ngstro\u{308}m"),
            // A dot below and a circumflex, in either order.
            ("\u{1ed9}", "O\u{302}\u{323}"),
            // The iota below the line is a letter in capitals.
            ("\u{3b1}\u{345}\u{301}", "\u{391}\u{301}\u{399}"),
        ] {
            assert_eq!(fold(one), fold(other), "{one} {other}");
        }
    }

    #[test]
    fn the_turkish_dot_is_kept() {
        assert_eq!(fold("İ"), "i\u{307}");
        assert_ne!(fold("ı"), fold("i"));
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in any::<String>()) {
            prop_assert_eq!(fold(&fold(&text)), fold(&text));
        }

        #[test]
        fn encoding_does_not_matter(text in any::<String>()) {
            let composed: String = text.nfc().collect();
            let decomposed: String = text.nfd().collect();
            prop_assert_eq!(fold(&composed), fold(&decomposed));
        }

        #[test]
        fn ascii_folds_as_other_text_does(text in "[ -~]*") {
            let long = CaseMapper::new().fold_string(&text).nfc().collect::<String>();
            prop_assert_eq!(fold(&text), long);
        }
    }
}
