//! All users in memory, one column for each attribute.
//!
//! | query | costs |
//! |---|---|
//! | a page, unfiltered | an index into a permutation that is kept sorted |
//! | a search | one pass of `memchr::memmem` over all folded text for its longest word, and one for each other word unless few rows are left |
//! | a filter | one pass for each predicate, joined as bit sets |
//! | a page of a search or filter | one walk along the permutation, testing bits |
//!
//! Rows are only ever appended: a change appends a new row for its user and marks the old one
//! deleted. So text stays in the order of rows, which is what makes one scan of one buffer possible.
//! When a quarter of the rows is deleted, the live ones are copied together.

mod bits;
mod evaluate;
mod order;
mod page;
mod rows;
mod search;
mod spelling;
mod text;

#[cfg(test)]
pub(crate) mod tests;

use std::{collections::HashMap, hash::BuildHasher as _};

use domain::{Error, Result, Timestamp, UserId, Version};
use hashbrown::{DefaultHashBuilder, HashTable, hash_table::Entry};

use self::{bits::Bits, order::Order, rows::Rows};
pub(crate) use self::{
    rows::{Record, Slot},
    spelling::Spelling,
};
use crate::{
    query::SortKey,
    row::{FeedRow, Tombstone},
};

/// Deleted rows from which on compaction is worth it.
const MIN_DELETED: usize = 64;

/// There is no room for another row: columns address 4 GiB of text and as many rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the directory is full: it holds 4 GiB of text")]
pub struct Full;

/// All users, as columns. See the [module](self).
#[derive(Debug)]
pub struct Columns {
    rows: Rows,
    live: Bits,
    /// Finds the live row of a user. It holds slots, four bytes each; the ids stay in their
    /// column.
    slots: HashTable<Slot>,
    hasher: DefaultHashBuilder,
    /// Users erased lately, so that an older row which arrives late does not bring them back.
    erased: HashMap<UserId, Tombstone>,
    orders: [Order; 4],
}

impl Default for Columns {
    fn default() -> Self {
        Self {
            rows: Rows::default(),
            live: Bits::default(),
            slots: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            erased: HashMap::new(),
            orders: SortKey::ALL.map(Order::new),
        }
    }
}

impl Columns {
    /// No users.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of users.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// True if there is no user.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Applies a row of the feed unless the same or a higher version is known: rows may come late,
    /// twice and in any order. Returns true if it was applied.
    ///
    /// A user whom the columns cannot hold is skipped and reported: one such row must not make every
    /// list fail.
    ///
    /// # Errors
    /// [`Error::Internal`] if there is no room.
    pub fn upsert(&mut self, row: &FeedRow) -> Result<bool> {
        let applied = match row {
            FeedRow::Present(user) if !Rows::fits(user) => {
                tracing::error!(
                    metric = "UnreadableRow",
                    user = %user.id,
                    "a user is too large for the directory and is left out"
                );
                false
            }
            FeedRow::Present(user) => self
                .put(user.id, user.version, |rows| rows.push(user))
                .map_err(Error::caused_by)?,
            FeedRow::Erased(tombstone) => self.erase(*tombstone),
        };
        self.compact_if_worth_it()?;
        Ok(applied)
    }

    /// [`Columns::upsert`] of a row of other columns.
    pub(crate) fn put_record(&mut self, record: &Record<'_>) -> Result<bool, Full> {
        let version = Version::from(u64::from(record.version));
        self.put(record.id, version, |rows| rows.append(record))
    }

    /// Marks a user as erased, unless the same or a higher version is known. Returns true if it was
    /// applied.
    pub(crate) fn erase(&mut self, tombstone: Tombstone) -> bool {
        let id = tombstone.id;
        let hash = self.hasher.hash_one(id);
        let found = self
            .slots
            .find_entry(hash, |slot| self.rows.id(*slot) == Some(id));
        let known = match &found {
            Ok(old) => self.rows.version(*old.get()),
            Err(_) => self.erased.get(&id).map(|known| known.version),
        };
        if known.is_some_and(|known| known >= tombstone.version) {
            return false;
        }
        if let Ok(old) = found {
            let (old, _) = old.remove();
            self.delete(old);
        }
        self.erased.insert(id, tombstone);
        true
    }

    /// The live rows.
    pub(crate) fn slots(&self) -> impl Iterator<Item = (UserId, Slot)> {
        self.live
            .ones()
            .filter_map(|slot| Some((self.rows.id(slot)?, slot)))
    }

    /// The attributes in a row.
    pub(crate) fn record(&self, slot: Slot) -> Option<Record<'_>> {
        self.rows.record(slot)
    }

    /// The users erased lately.
    pub(crate) fn tombstones(&self) -> impl Iterator<Item = &Tombstone> {
        self.erased.values()
    }

    /// Forgets the tombstones from before `time`, from which on all further rows must be: an older
    /// row of an erased user cannot come any more.
    pub fn forget_erased(&mut self, time: Timestamp) {
        self.erased
            .retain(|_, tombstone| tombstone.updated_at >= time);
    }

    /// Bytes on the heap, unused capacity included.
    pub fn memory(&self) -> usize {
        self.rows.memory()
            + self.live.memory()
            // A byte of control data stands beside each slot.
            + self.slots.capacity() * 8 / 7 * (size_of::<Slot>() + 1)
            + self.erased.capacity() * size_of::<(UserId, Tombstone)>()
            + self.orders.iter().map(Order::memory).sum::<usize>()
    }

    /// Appends a row and points the index to it, if its version is higher than the one known; the row
    /// before is deleted then.
    fn put(
        &mut self,
        id: UserId,
        version: Version,
        push: impl FnOnce(&mut Rows) -> Result<Slot, Full>,
    ) -> Result<bool, Full> {
        let Self {
            slots,
            hasher,
            rows,
            live,
            erased,
            ..
        } = self;
        let entry = slots.entry(
            hasher.hash_one(id),
            |slot| rows.id(*slot) == Some(id),
            |slot| hasher.hash_one(rows.id(*slot).unwrap_or(id)),
        );
        let known = match &entry {
            Entry::Occupied(old) => rows.version(*old.get()),
            Entry::Vacant(_) => erased.get(&id).map(|tombstone| tombstone.version),
        };
        if known.is_some_and(|known| known >= version) {
            return Ok(false);
        }
        let new = push(rows)?;
        live.push(true);
        match entry {
            Entry::Occupied(mut entry) => {
                let old = std::mem::replace(entry.get_mut(), new);
                self.delete(old);
            }
            Entry::Vacant(entry) => {
                entry.insert(new);
                erased.remove(&id);
            }
        }
        Ok(true)
    }

    fn delete(&mut self, slot: Slot) {
        self.live.set(slot as usize, false);
        for order in &mut self.orders {
            order.forget(slot);
        }
    }

    /// Copies the live rows together once a quarter of all rows is deleted.
    fn compact_if_worth_it(&mut self) -> Result<()> {
        let deleted = self.rows.len() - self.len();
        if deleted < MIN_DELETED || deleted * 4 < self.rows.len() {
            return Ok(());
        }
        let rows = self.rows.compacted(&self.live).map_err(Error::caused_by)?;
        let mut renumbered = vec![0; self.rows.len()];
        for (new, old) in (0..).zip(self.live.ones()) {
            if let Some(slot) = renumbered.get_mut(old as usize) {
                *slot = new;
            }
        }
        for slot in &mut self.slots {
            *slot = renumbered.get(*slot as usize).copied().unwrap_or_default();
        }
        for order in &mut self.orders {
            order.renumber(&renumbered, &self.live);
        }
        self.live = Bits::all(rows.len(), true);
        self.rows = rows;
        Ok(())
    }
}
