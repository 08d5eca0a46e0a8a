//! How a column of values grows, and a column of flags: one bit for each.

/// The least growth of a column, in values.
const LEAST_GROWTH: usize = 64;

/// Appends a value to a column, which grows by a little instead of by doubling: at a million users the
/// slack of doubling would be as large as the data.
pub(super) fn push<T>(column: &mut Vec<T>, value: T) {
    reserve(column, 1);
    column.push(value);
}

/// Appends values to a column; it grows as with [`push`].
pub(super) fn extend<T: Copy>(column: &mut Vec<T>, values: &[T]) {
    reserve(column, values.len());
    column.extend_from_slice(values);
}

/// Bytes on the heap, unused capacity included.
pub(super) fn memory<T>(column: &Vec<T>) -> usize {
    column.capacity() * size_of::<T>()
}

fn reserve<T>(column: &mut Vec<T>, more: usize) {
    if column.capacity() - column.len() < more {
        column.reserve_exact(more.max(LEAST_GROWTH).max(column.len() / 32));
    }
}

const WIDTH: usize = 64;

/// Bits, numbered from 0. Bits of the last word beyond the length are zero.
///
/// Not a library's bit set: a filter makes its bits 64 at a time out of a column ([`Bits::of`]), and
/// columns grow and report their memory as the others do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    /// `len` bits, all the same.
    pub(super) fn all(len: usize, value: bool) -> Self {
        let word = if value { u64::MAX } else { 0 };
        let mut bits = Self {
            words: vec![word; len.div_ceil(WIDTH)],
            len,
        };
        bits.clear_tail();
        bits
    }

    /// One bit for each value.
    pub(super) fn of<T>(column: &[T], mut test: impl FnMut(&T) -> bool) -> Self {
        let words = column
            .chunks(WIDTH)
            .map(|chunk| {
                let bits = chunk.iter().enumerate();
                bits.fold(0, |word, (at, value)| word | u64::from(test(value)) << at)
            })
            .collect();
        Self {
            words,
            len: column.len(),
        }
    }

    pub(super) fn push(&mut self, value: bool) {
        if self.len.is_multiple_of(WIDTH) {
            push(&mut self.words, 0);
        }
        self.len += 1;
        self.set(self.len - 1, value);
    }

    /// A bit; false beyond the end.
    pub(super) fn get(&self, at: usize) -> bool {
        self.words
            .get(at / WIDTH)
            .is_some_and(|word| word >> (at % WIDTH) & 1 == 1)
    }

    pub(super) fn set(&mut self, at: usize, value: bool) {
        if let Some(word) = self.words.get_mut(at / WIDTH) {
            *word = *word & !(1 << (at % WIDTH)) | u64::from(value) << (at % WIDTH);
        }
    }

    pub(super) fn count(&self) -> usize {
        self.words
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }

    /// The places of the ones, ascending.
    pub(super) fn ones(&self) -> impl Iterator<Item = u32> {
        (0..)
            .step_by(WIDTH)
            .zip(&self.words)
            .flat_map(|(base, &word)| {
                let next = |rest: &u64| Some(rest & (rest - 1)).filter(|rest| *rest != 0);
                std::iter::successors(Some(word).filter(|word| *word != 0), next)
                    .map(move |rest| base + rest.trailing_zeros())
            })
    }

    pub(super) fn and(&mut self, other: &Self) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word &= other;
        }
    }

    pub(super) fn or(&mut self, other: &Self) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word |= other;
        }
    }

    pub(super) fn invert(&mut self) {
        for word in &mut self.words {
            *word = !*word;
        }
        self.clear_tail();
    }

    /// Bytes on the heap.
    pub(super) fn memory(&self) -> usize {
        memory(&self.words)
    }

    fn clear_tail(&mut self) {
        let used = self.len % WIDTH;
        if let Some(last) = self.words.last_mut().filter(|_| used != 0) {
            *last &= (1 << used) - 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bits_are_a_vector_of_truths(truths in prop::collection::vec(any::<bool>(), 0..200), other in prop::collection::vec(any::<bool>(), 200)) {
            let mut bits = Bits::default();
            for &truth in &truths {
                bits.push(truth);
            }
            prop_assert_eq!(&bits, &Bits::of(&truths, |truth| *truth));
            prop_assert_eq!(bits.count(), truths.iter().filter(|truth| **truth).count());
            let ones: Vec<u32> = (0..).zip(&truths).filter(|(_, truth)| **truth).map(|(at, _)| at).collect();
            prop_assert_eq!(bits.ones().collect::<Vec<_>>(), ones);

            let other = Bits::of(&other[..truths.len()], |truth| *truth);
            let mut inverted = bits.clone();
            inverted.invert();
            let (mut both, mut either) = (bits.clone(), bits.clone());
            both.and(&other);
            either.or(&other);
            for (at, &truth) in truths.iter().enumerate() {
                prop_assert_eq!(inverted.get(at), !truth);
                prop_assert_eq!(both.get(at), truth && other.get(at));
                prop_assert_eq!(either.get(at), truth || other.get(at));
            }
            prop_assert_eq!(inverted.count(), truths.len() - bits.count());
            prop_assert_eq!(Bits::all(truths.len(), true).count(), truths.len());
        }
    }
}
