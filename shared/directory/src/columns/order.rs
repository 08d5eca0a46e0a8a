//! Orders of rows, kept as permutations.

use super::{
    bits::{self, Bits},
    rows::{Rows, Slot},
};
use crate::query::SortKey;

/// Up to this many changes rows are moved one by one; beyond, one pass over all is cheaper.
const FEW: usize = 8;

/// The live rows, ascending by one key and id.
///
/// It is made when it is asked for the second time, and catches up with changes whenever it is used.
/// Sorting a million rows takes a tenth of a second: too much for one query alone.
#[derive(Debug)]
pub(super) struct Order {
    key: SortKey,
    slots: Option<Vec<Slot>>,
    asked_for: bool,
    /// Rows from here on are not sorted in yet.
    covered: usize,
    /// Rows that are sorted in and were deleted since.
    stale: Vec<Slot>,
}

impl Order {
    pub(super) fn new(key: SortKey) -> Self {
        Self {
            key,
            slots: None,
            asked_for: false,
            covered: 0,
            stale: Vec::new(),
        }
    }

    /// True if it is worth making: always if the page is deep, else from the second time on.
    pub(super) fn is_worth_it(&mut self, deep: bool) -> bool {
        let asked_before = std::mem::replace(&mut self.asked_for, true);
        deep || asked_before
    }

    /// Notes that a row was deleted.
    pub(super) fn forget(&mut self, slot: Slot) {
        if self.slots.is_some() && (slot as usize) < self.covered {
            self.stale.push(slot);
        }
    }

    /// The live rows in order.
    pub(super) fn slots(&mut self, rows: &Rows, live: &Bits) -> &[Slot] {
        let mut slots = self.slots.take().unwrap_or_default();
        let covered = u32::try_from(self.covered).unwrap_or(u32::MAX);
        let end = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        let mut added: Vec<Slot> = (covered..end)
            .filter(|slot| live.get(*slot as usize))
            .collect();
        if self.stale.len() + added.len() <= FEW {
            self.move_each(&mut slots, &added, rows);
        } else {
            if !self.stale.is_empty() {
                slots.retain(|slot| live.get(*slot as usize));
            }
            self.sort(&mut added, rows);
            self.merge(&mut slots, &added, rows);
        }
        self.stale.clear();
        self.covered = rows.len();
        self.slots.insert(slots)
    }

    /// Renumbers the rows after deleted ones were taken out. `renumbered` has the new number of each
    /// old row.
    pub(super) fn renumber(&mut self, renumbered: &[Slot], live: &Bits) {
        let Some(slots) = &mut self.slots else { return };
        slots.retain(|slot| live.get(*slot as usize));
        for slot in slots.iter_mut() {
            *slot = renumbered.get(*slot as usize).copied().unwrap_or_default();
        }
        // Without deleted rows, all that is covered is sorted in.
        self.covered = slots.len();
        self.stale.clear();
    }

    /// Bytes on the heap.
    pub(super) fn memory(&self) -> usize {
        self.slots.as_ref().map_or(0, bits::memory) + bits::memory(&self.stale)
    }

    fn move_each(&self, slots: &mut Vec<Slot>, added: &[Slot], rows: &Rows) {
        // A deleted row still has its columns, so it is found as a live one is.
        for gone in &self.stale {
            if let Ok(at) = slots.binary_search_by(|slot| rows.compare(self.key, *slot, *gone)) {
                slots.remove(at);
            }
        }
        for new in added {
            let at = slots.partition_point(|slot| rows.compare(self.key, *slot, *new).is_lt());
            bits::push(slots, *new);
            if let Some(tail) = slots.get_mut(at..) {
                tail.rotate_right(1);
            }
        }
    }

    fn sort(&self, slots: &mut [Slot], rows: &Rows) {
        let mut keyed: Vec<_> = slots
            .iter()
            .map(|slot| rows.keyed(self.key, *slot))
            .collect();
        keyed.sort_unstable_by(|a, b| rows.compare_keyed(self.key, a, b));
        for (slot, (_, sorted)) in slots.iter_mut().zip(keyed) {
            *slot = sorted;
        }
    }

    /// Merges from the back, where the room is.
    fn merge(&self, slots: &mut Vec<Slot>, added: &[Slot], rows: &Rows) {
        let mut old = slots.len();
        bits::extend(slots, added);
        let mut new = added.len();
        while let Some(candidate) = new.checked_sub(1).and_then(|at| added.get(at)) {
            let last = old.checked_sub(1).and_then(|at| slots.get(at)).copied();
            let moved = last.filter(|last| rows.compare(self.key, *last, *candidate).is_gt());
            let Some(place) = slots.get_mut(old + new - 1) else {
                return;
            };
            if let Some(last) = moved {
                *place = last;
                old -= 1;
            } else {
                *place = *candidate;
                new -= 1;
            }
        }
    }
}
