//! What a search looks for.

use domain::Email;

use super::fold::{Folded, without_diacritics};

/// Words which a user's name or address must contain, in any order: `zhang zoe` finds Zoë Zhang.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Search(Vec<Word>);

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    folded: Folded,
    /// The word as a part of an address is stored, where that differs.
    stored: Option<Folded>,
    is_plain: bool,
}

/// Words of a search text at most: each is a pass over all users.
pub const MAX_SEARCH_WORDS: usize = 16;

impl Search {
    /// The words of a text, the longest first: it is likely to leave few users for the others.
    pub(crate) fn new(text: &str) -> Self {
        let mut words: Vec<_> = text.split_whitespace().map(Word::new).collect();
        words.sort_by_key(|word| std::cmp::Reverse(word.folded.as_str().len()));
        words.dedup();
        Self(words)
    }

    pub(crate) fn words(&self) -> &[Word] {
        &self.0
    }
}

impl Word {
    fn new(word: &str) -> Self {
        let folded = Folded::new(word);
        let stored = Folded::new(&Email::stored_form(word));
        Self {
            is_plain: without_diacritics(folded.as_str()).is_none(),
            stored: Some(stored).filter(|stored| *stored != folded),
            folded,
        }
    }

    /// The word, folded.
    pub(crate) fn folded(&self) -> &str {
        self.folded.as_str()
    }

    /// The word as a part of an address is stored, where that differs.
    pub(crate) fn stored(&self) -> Option<&str> {
        self.stored.as_ref().map(Folded::as_str)
    }

    /// True if the word has no diacritics: then those of names and addresses do not count either.
    pub(crate) fn is_plain(&self) -> bool {
        self.is_plain
    }
}
