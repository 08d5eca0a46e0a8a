//! Text as it is compared: without letter case, and with one encoding for each character.

use std::{fmt, ops::RangeInclusive};

use icu_casemap::CaseMapper;
use unicode_normalization::{UnicodeNormalization as _, char::decompose_canonical};

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

/// A folded text without diacritics: the marks on Latin and Greek letters, and the strokes through
/// them. `None` if it has none.
///
/// Signs that make another letter stay: й is not и, が is not か, and vowels of Indic scripts are signs
/// too.
pub(crate) fn without_diacritics(folded: &str) -> Option<String> {
    if folded.is_ascii() {
        return None;
    }
    let mut plain = String::with_capacity(folded.len());
    let mut push = |part: char| match letter_without_stroke(part) {
        Some(letter) => plain.push_str(letter),
        None if MARKS.contains(&part) => {}
        None => plain.push(part),
    };
    for c in folded.chars() {
        if CYRILLIC.contains(&c) {
            push(c);
        } else {
            decompose_canonical(c, &mut push);
        }
    }
    let plain: String = plain.nfc().collect();
    (plain != folded).then_some(plain)
}

/// The marks of the scripts of Europe (Unicode's block Combining Diacritical Marks).
const MARKS: RangeInclusive<char> = '\u{300}'..='\u{36f}';

/// Its marked letters are letters of their own, but for ё, which is often typed as е.
const CYRILLIC: RangeInclusive<char> = '\u{400}'..='\u{52f}';

/// What people type for letters that Unicode does not decompose.
fn letter_without_stroke(c: char) -> Option<&'static str> {
    Some(match c {
        'ł' => "l",
        'ø' => "o",
        'đ' | 'ð' => "d",
        'ħ' => "h",
        'ŧ' => "t",
        'ı' => "i",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        'ё' => "е",
        _ => return None,
    })
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

    #[test]
    fn diacritics_are_left_out_and_letters_are_not() {
        for (text, plain) in [
            ("Zoë", "zoe"),
            ("José Ñandú", "jose nandu"),
            ("Łukasz Ødegård", "lukasz odegard"),
            ("Ǽlfric", "aelfric"),
            ("Nguyễn Thị Đào", "nguyen thi dao"),
            ("İpek Işık", "ipek isik"),
            ("Άννα", "αννα"),
            ("Фёдор", "федор"),
            ("x\u{302}y", "xy"),
        ] {
            let folded = fold(text);
            assert_eq!(
                without_diacritics(&folded).as_deref(),
                Some(plain),
                "{text}"
            );
        }
        for text in [
            "zoe",
            "straße",
            "Андрей",
            "が",
            "हिन्दी",
            "李小龍",
            "한국",
            "علی",
        ] {
            assert_eq!(without_diacritics(&fold(text)), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_plain_text_has_no_diacritics(text in any::<String>()) {
            let plain = without_diacritics(&fold(&text));
            prop_assert_eq!(plain.as_deref().and_then(without_diacritics), None);
        }

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
