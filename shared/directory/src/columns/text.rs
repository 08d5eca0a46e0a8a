//! The folded texts of all rows in one buffer, made to be scanned.

use memchr::memmem::Finder;

use super::{
    Full,
    bits::{self, Bits},
};

/// Ends every text. It does not occur in UTF-8, so no match can span two texts.
const END: u8 = 0xff;

/// The texts of rows, in the order of rows: name, end, address, end.
#[derive(Debug)]
pub(super) struct Texts {
    bytes: Vec<u8>,
    /// Where each row starts, and where the next one will.
    starts: Vec<u32>,
    /// Where the address of each row starts, from the row's start.
    emails: Vec<u16>,
}

/// Which of the texts of a row to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Within {
    Name,
    Email,
    Either,
}

impl Default for Texts {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            starts: vec![0],
            emails: Vec::new(),
        }
    }
}

impl Texts {
    pub(super) fn push(&mut self, name: &[u8], email: &[u8]) -> Result<(), Full> {
        let email_at = u16::try_from(name.len() + 1).map_err(|_| Full)?;
        let end = self.bytes.len() + name.len() + email.len() + 2;
        let end = u32::try_from(end).map_err(|_| Full)?;
        for text in [name, &[END], email, &[END]] {
            bits::extend(&mut self.bytes, text);
        }
        bits::push(&mut self.starts, end);
        bits::push(&mut self.emails, email_at);
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.emails.len()
    }

    pub(super) fn name(&self, row: usize) -> &[u8] {
        let (start, email, _) = self.bounds(row);
        self.bytes.get(start..email - 1).unwrap_or_default()
    }

    pub(super) fn email(&self, row: usize) -> &[u8] {
        let (_, email, end) = self.bounds(row);
        self.bytes.get(email..end - 1).unwrap_or_default()
    }

    /// The rows that contain `needle`, which must be folded.
    pub(super) fn containing(&self, needle: &str, within: Within) -> Bits {
        let mut found = Bits::all(self.len(), needle.is_empty());
        if needle.is_empty() {
            return found;
        }
        let finder = Finder::new(needle);
        let (mut row, mut from) = (0, 0);
        while let Some(hit) = self.bytes.get(from..).and_then(|rest| finder.find(rest)) {
            let hit = from + hit;
            row = self.row_at(hit, row);
            let (_, email, end) = self.bounds(row);
            let matches = match within {
                Within::Either => true,
                Within::Name => hit < email,
                Within::Email => hit >= email,
            };
            if matches {
                found.set(row, true);
            }
            // One hit is enough for a row; a hit in the name says nothing about the address.
            from = if within == Within::Email && !matches {
                email
            } else {
                end
            };
        }
        found
    }

    /// Bytes on the heap.
    pub(super) fn memory(&self) -> usize {
        bits::memory(&self.bytes) + bits::memory(&self.starts) + bits::memory(&self.emails)
    }

    /// Where the row, its address, and the next row start.
    fn bounds(&self, row: usize) -> (usize, usize, usize) {
        match (self.starts.get(row..row + 2), self.emails.get(row)) {
            (Some(&[start, end]), Some(&email)) => (
                start as usize,
                start as usize + usize::from(email),
                end as usize,
            ),
            _ => (0, 1, 1),
        }
    }

    /// The row that has the byte at `at`, no row before `row`. Steps grow, so that near rows are
    /// found at once and far ones in logarithmic time.
    fn row_at(&self, at: usize, row: usize) -> usize {
        let ends = self.starts.get(row + 1..).unwrap_or_default();
        let passed = |end: &u32| *end as usize <= at;
        let mut reach = 1;
        while ends.get(reach - 1).is_some_and(passed) {
            reach *= 2;
        }
        let (low, high) = (reach / 2, reach.min(ends.len()));
        row + low
            + ends
                .get(low..high)
                .unwrap_or_default()
                .partition_point(passed)
    }
}
