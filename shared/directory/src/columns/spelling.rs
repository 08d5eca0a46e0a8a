//! Texts as they were typed, kept as the difference from their folded form.

use super::{
    Full,
    bits::{self, Bits},
};

/// How the names or addresses of rows are spelled. Most are their folded form as it is or with
/// capital initials, which takes a bit; the others are kept whole.
#[derive(Debug, Default)]
pub(super) struct Spellings {
    capitalised: Bits,
    /// The rows whose text is kept whole, ascending.
    rows: Vec<u32>,
    /// Where each of these texts ends.
    ends: Vec<u32>,
    bytes: Vec<u8>,
}

/// How one text is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling<'a> {
    /// As it is when folded.
    Folded,
    /// With capital initials.
    Capitalised,
    /// In another way: this one.
    Own(&'a [u8]),
}

impl<'a> Spelling<'a> {
    pub(super) fn of(typed: &'a str, folded: &str) -> Self {
        if typed == folded {
            Self::Folded
        } else if typed == capitalise(folded) {
            Self::Capitalised
        } else {
            Self::Own(typed.as_bytes())
        }
    }

    /// The text as it was typed.
    pub(super) fn typed(self, folded: &[u8]) -> String {
        // What the columns hold is UTF-8. Were it not, one strange name is better than no list.
        match self {
            Self::Folded => String::from_utf8_lossy(folded).into_owned(),
            Self::Capitalised => capitalise(&String::from_utf8_lossy(folded)),
            Self::Own(typed) => String::from_utf8_lossy(typed).into_owned(),
        }
    }
}

impl Spellings {
    /// Adds the spelling of the text in the next row, which is `row`.
    pub(super) fn push(&mut self, row: u32, spelling: Spelling<'_>) -> Result<(), Full> {
        if let Spelling::Own(typed) = spelling {
            let end = u32::try_from(self.bytes.len() + typed.len()).map_err(|_| Full)?;
            bits::extend(&mut self.bytes, typed);
            bits::push(&mut self.ends, end);
            bits::push(&mut self.rows, row);
        }
        self.capitalised.push(spelling == Spelling::Capitalised);
        Ok(())
    }

    pub(super) fn get(&self, row: u32) -> Spelling<'_> {
        match self.rows.binary_search(&row) {
            Ok(at) => {
                let end = |at: usize| self.ends.get(at).map_or(0, |end| *end as usize);
                let start = at.checked_sub(1).map_or(0, end);
                Spelling::Own(self.bytes.get(start..end(at)).unwrap_or_default())
            }
            Err(_) if self.capitalised.get(row as usize) => Spelling::Capitalised,
            Err(_) => Spelling::Folded,
        }
    }

    /// Bytes on the heap.
    pub(super) fn memory(&self) -> usize {
        self.capitalised.memory()
            + bits::memory(&self.rows)
            + bits::memory(&self.ends)
            + bits::memory(&self.bytes)
    }
}

/// With capital initials: `ann o'hara-smith` becomes `Ann O'Hara-Smith`.
fn capitalise(folded: &str) -> String {
    let mut capitalised = String::with_capacity(folded.len());
    let mut initial = true;
    for c in folded.chars() {
        if initial {
            capitalised.extend(c.to_uppercase());
        } else {
            capitalised.push(c);
        }
        initial = !c.is_alphanumeric();
    }
    capitalised
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::query::fold::Folded;

    fn spell(typed: &[String], folded: &[Folded]) -> Spellings {
        let mut spellings = Spellings::default();
        for ((row, typed), folded) in (0..).zip(typed).zip(folded) {
            spellings
                .push(row, Spelling::of(typed, folded.as_str()))
                .unwrap();
        }
        spellings
    }

    fn fold(typed: &[String]) -> Vec<Folded> {
        typed.iter().map(|text| Folded::new(text)).collect()
    }

    #[test]
    fn common_spellings_take_no_text() {
        let typed = ["Ann Example", "ann", "Zoë O'Hara-Smith", "李小龍"].map(str::to_owned);
        assert_eq!(spell(&typed, &fold(&typed)).bytes.len(), 0);
    }

    proptest! {
        #[test]
        fn texts_come_back_as_typed(
            typed in prop::collection::vec("[a-cA-C ßİ'-]{0,6}|\\PC{0,6}", 0..20),
        ) {
            let folded = fold(&typed);
            let spellings = spell(&typed, &folded);
            for ((row, typed), folded) in (0..).zip(&typed).zip(&folded) {
                let kept = spellings.get(row).typed(folded.as_str().as_bytes());
                prop_assert_eq!(&kept, typed);
            }
        }
    }
}
