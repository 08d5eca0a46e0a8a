//! Texts as they were typed, kept as how they differ from their folded form.

use super::{Full, bits::Bits, growth};

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

impl Spellings {
    /// Notes how the text of the next row, `row`, is spelled.
    pub(super) fn push(&mut self, row: u32, typed: &str, folded: &str) -> Result<(), Full> {
        let capitalised = typed != folded && typed == capitalise(folded);
        if typed != folded && !capitalised {
            let end = u32::try_from(self.bytes.len() + typed.len()).map_err(|_| Full)?;
            growth::extend(&mut self.bytes, typed.as_bytes());
            growth::push(&mut self.ends, end);
            growth::push(&mut self.rows, row);
        }
        self.capitalised.push(capitalised);
        Ok(())
    }

    /// The text of a row as it was typed; none if what is kept is no text.
    pub(super) fn typed(&self, row: u32, folded: &[u8]) -> Option<String> {
        let text = |bytes| std::str::from_utf8(bytes).ok();
        if let Ok(at) = self.rows.binary_search(&row) {
            let start = at.checked_sub(1).and_then(|before| self.ends.get(before));
            let start = start.copied().unwrap_or_default() as usize;
            let end = *self.ends.get(at)? as usize;
            return self.bytes.get(start..end).and_then(text).map(str::to_owned);
        }
        let folded = text(folded)?;
        Some(if self.capitalised.get(row as usize) {
            capitalise(folded)
        } else {
            folded.to_owned()
        })
    }

    /// Octets on the heap.
    pub(super) fn memory(&self) -> usize {
        self.capitalised.memory()
            + growth::memory(&self.rows)
            + growth::memory(&self.ends)
            + growth::memory(&self.bytes)
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
    use super::*;
    use crate::domain::fold::Folded;
    use proptest::prelude::*;

    #[test]
    fn common_spellings_take_no_text() {
        let mut spellings = Spellings::default();
        for (row, typed) in (0..).zip(["Ann Example", "ann", "Zoë O'Hara-Smith", "李小龍"]) {
            spellings
                .push(row, typed, Folded::new(typed).as_str())
                .unwrap();
        }
        assert_eq!(spellings.bytes.len(), 0);
    }

    proptest! {
        #[test]
        fn texts_come_back_as_typed(typed in prop::collection::vec("[a-cA-C ßİ'-]{0,6}|\\PC{0,6}", 0..20)) {
            let folded: Vec<_> = typed.iter().map(|text| Folded::new(text)).collect();
            let mut spellings = Spellings::default();
            for ((row, typed), folded) in (0..).zip(&typed).zip(&folded) {
                spellings.push(row, typed, folded.as_str()).unwrap();
            }
            for ((row, typed), folded) in (0..).zip(&typed).zip(&folded) {
                let kept = spellings.typed(row, folded.as_str().as_bytes());
                prop_assert_eq!(kept.as_ref(), Some(typed));
            }
        }
    }
}
