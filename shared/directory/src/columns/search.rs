//! Searches over columns.

use memchr::memmem::Finder;

use super::{
    Full,
    bits::{self, Bits},
    rows::{Rows, Slot},
    text::{Texts, Within},
};
use crate::query::{
    fold::without_diacritics,
    search::{Search, Word},
};

/// If fewer than one in so many rows is left, looking into these is cheaper than a pass over all.
const SPARSE: usize = 32;

/// The texts of rows that have diacritics, without them. Few rows have any.
#[derive(Debug, Default)]
pub(super) struct PlainTexts {
    /// The rows, ascending.
    rows: Vec<Slot>,
    /// Their texts; one that has no diacritics is empty.
    texts: Texts,
}

impl PlainTexts {
    /// Adds the folded texts of the next row, which is `row`, if one has diacritics.
    pub(super) fn push(&mut self, row: Slot, name: &[u8], email: &[u8]) -> Result<(), Full> {
        if name.is_ascii() && email.is_ascii() {
            return Ok(());
        }
        let plain = |text: &[u8]| {
            let text = std::str::from_utf8(text).unwrap_or_default();
            without_diacritics(text).unwrap_or_default()
        };
        let (name, email) = (plain(name), plain(email));
        if !(name.is_empty() && email.is_empty()) {
            self.texts.push(name.as_bytes(), email.as_bytes())?;
            bits::push(&mut self.rows, row);
        }
        Ok(())
    }

    /// Bytes on the heap.
    pub(super) fn memory(&self) -> usize {
        bits::memory(&self.rows) + self.texts.memory()
    }

    /// Adds the rows that contain `word` to `found`.
    fn find(&self, word: &str, found: &mut Bits) {
        let places = if found.count() > self.rows.len() {
            // Most rows are found already, and looking into the others is cheaper than a pass.
            let finder = Finder::new(word);
            let mut at = 0;
            Bits::of(&self.rows, |row| {
                at += 1;
                !found.get(*row as usize) && contains(&self.texts, at - 1, &finder)
            })
        } else {
            self.texts.containing(word, Within::Either)
        };
        for row in places.ones().filter_map(|at| self.rows.get(at as usize)) {
            found.set(*row as usize, true);
        }
    }

    fn contain(&self, row: Slot, finder: &Finder<'_>) -> bool {
        let place = self.rows.binary_search(&row);
        place.is_ok_and(|at| contains(&self.texts, at, finder))
    }
}

impl Rows {
    /// The rows that have all the words of a search, deleted ones included.
    pub(super) fn with_words(&self, search: &Search) -> Bits {
        let mut words = search.words().iter();
        let Some(first) = words.next() else {
            return Bits::all(self.len(), true);
        };
        let mut found = self.with_word(first);
        for word in words {
            if found.count() < self.len() / SPARSE {
                self.keep_with_word(&mut found, word);
            } else {
                found.and(&self.with_word(word));
            }
        }
        found
    }

    fn with_word(&self, word: &Word) -> Bits {
        let mut found = self.texts.containing(word.folded(), Within::Either);
        if let Some(stored) = word.stored() {
            found.or(&self.texts.containing(stored, Within::Email));
        }
        if word.is_plain() {
            self.plain.find(word.folded(), &mut found);
        }
        found
    }

    fn keep_with_word(&self, found: &mut Bits, word: &Word) {
        let folded = Finder::new(word.folded());
        let stored = word.stored().map(Finder::new);
        let has_word = |slot: Slot| {
            let row = slot as usize;
            let has_stored = |stored: &Finder<'_>| stored.find(self.texts.email(row)).is_some();
            contains(&self.texts, row, &folded)
                || stored.as_ref().is_some_and(has_stored)
                || (word.is_plain() && self.plain.contain(slot, &folded))
        };
        let without: Vec<_> = found.ones().filter(|slot| !has_word(*slot)).collect();
        for slot in without {
            found.set(slot as usize, false);
        }
    }
}

fn contains(texts: &Texts, row: usize, finder: &Finder<'_>) -> bool {
    [texts.name(row), texts.email(row)]
        .iter()
        .any(|text| finder.find(text).is_some())
}
