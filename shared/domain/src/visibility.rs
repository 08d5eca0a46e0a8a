//! Which characters can be seen. One that cannot makes two texts look the same which are not.

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{
        DefaultIgnorableCodePoint, GeneralCategory, PrependedConcatenationMark, VariationSelector,
    },
};

/// The blank of braille, which Unicode counts among the symbols.
const BLANK_BRAILLE: char = '\u{2800}';

/// Joins or parts the letters beside it: many scripts and emoji cannot be written without.
const JOINERS: [char; 2] = ['\u{200c}', '\u{200d}'];

/// True if nothing is seen of a character, or only what it does to others: controls, formats, fillers,
/// ends of lines. Spaces are not among them, but for those of no width.
pub(crate) fn is_invisible(c: char) -> bool {
    use GeneralCategory as Category;
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    let is_format = category == Category::Format
        // Arabic signs that stand below numbers.
        && !CodePointSetData::new::<PrependedConcatenationMark>().contains(c);
    let breaks_or_controls = matches!(
        category,
        Category::Control | Category::LineSeparator | Category::ParagraphSeparator
    );
    let is_ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c);
    is_format || breaks_or_controls || is_ignorable || c == BLANK_BRAILLE
}

/// True if something is seen of a character that stands alone: no space, and no mark for a letter.
pub(crate) fn is_visible(c: char) -> bool {
    use GeneralCategory as Category;
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    let needs_letter = matches!(
        category,
        Category::NonspacingMark | Category::EnclosingMark | Category::SpacingMark
    );
    !(needs_letter || c.is_whitespace() || is_invisible(c))
}

/// True if a text has an invisible character which does not serve those beside it. A joiner serves two
/// between which it stands, a variation selector the one before it.
pub(crate) fn has_padding(text: &str) -> bool {
    let shows = |c: Option<&char>| c.is_some_and(|c| !is_invisible(*c) && !c.is_whitespace());
    let is_selector = |c: char| CodePointSetData::new::<VariationSelector>().contains(c);
    let chars: Vec<char> = text.chars().collect();
    (0..chars.len()).any(|at| {
        let c = chars.get(at).copied().unwrap_or_default();
        let before = at.checked_sub(1).and_then(|at| chars.get(at));
        let serves = if JOINERS.contains(&c) {
            let selected = before.is_some_and(|c| is_selector(*c));
            (shows(before) || selected) && shows(chars.get(at + 1))
        } else {
            is_selector(c) && shows(before)
        };
        is_invisible(c) && !serves
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_invisible() {
        for c in [
            '\u{0}',
            '\n',
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{1160}',
            '\u{180e}',
            '\u{200b}',
            '\u{200d}',
            '\u{200e}',
            '\u{2028}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{2800}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{fff9}',
            '\u{e0041}',
        ] {
            assert!(is_invisible(c) && !is_visible(c), "{c:?}");
        }
    }

    #[test]
    fn what_can_be_seen_is_not() {
        for c in ['a', 'é', '-', '李', 'ع', 'अ', '👩', '\u{600}', '\u{e000}'] {
            assert!(!is_invisible(c) && is_visible(c), "{c:?}");
        }
        // A space and a mark are seen beside others only.
        for c in [' ', '\u{a0}', '\u{3000}', '\u{301}', '\u{903}'] {
            assert!(!is_invisible(c) && !is_visible(c), "{c:?}");
        }
    }

    #[test]
    fn joiners_and_selectors_serve_those_beside_them() {
        for text in [
            "👩\u{200d}🚀",
            "علی\u{200c}رضا",
            "❤\u{fe0f}",
            "🏳\u{fe0f}\u{200d}🌈",
        ] {
            assert!(!has_padding(text), "{text:?}");
        }
        for text in [
            "a\u{200d}",
            "\u{200c}a",
            "a\u{200d}\u{200d}b",
            "a \u{200d}b",
            "\u{fe0f}",
            "a\u{fe0f}\u{fe0f}",
            "a\u{ad}b",
            "a\u{3164}",
        ] {
            assert!(has_padding(text), "{text:?}");
        }
    }
}
