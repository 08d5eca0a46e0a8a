//! How columns grow: by a little instead of by doubling, since at a million users the slack of
//! doubling would be as large as the data.

/// The least growth, in values.
const LEAST: usize = 64;

pub(super) fn push<T>(column: &mut Vec<T>, value: T) {
    reserve(column, 1);
    column.push(value);
}

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
        column.reserve_exact(more.max(LEAST).max(column.len() / 32));
    }
}
