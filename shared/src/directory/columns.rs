//! The read model: rows, the index to them, and what is dead among them.

use std::{collections::HashMap, hash::BuildHasher as _};

use hashbrown::{DefaultHashBuilder, HashTable};

use super::{
    Full, Row, Tombstone,
    bits::Bits,
    order::Order,
    rows::{Rows, Slot},
};
use crate::domain::{Error, Result, Timestamp, UserId, listing::SortKey, user::Profile};

/// Rows that are dead before compaction is worth it.
const LEAST_DEAD: usize = 64;

/// All users, as columns. See the [module](super).
#[derive(Debug)]
pub struct Columns {
    pub(super) rows: Rows,
    pub(super) living: Bits,
    /// Finds the living row of a user. It holds slots, four octets each; the ids stay in their
    /// column.
    slots: HashTable<Slot>,
    hasher: DefaultHashBuilder,
    /// Users erased lately, so that a row read late does not bring them back.
    erased: HashMap<UserId, Tombstone>,
    pub(super) orders: [Order; 4],
}

impl Default for Columns {
    fn default() -> Self {
        Self {
            rows: Rows::default(),
            living: Bits::default(),
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

    /// How many users there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is no user.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Takes over what the feed tells of a user, if it is news: rows may come late, twice and in any
    /// order; the highest version stays. Gives whether it was news.
    ///
    /// # Errors
    /// [`Error::Internal`] if there is no room.
    pub fn upsert(&mut self, row: &Row) -> Result<bool> {
        let (id, version) = match row {
            Row::Present(user) => (user.id, user.version),
            Row::Erased(tombstone) => (tombstone.id, tombstone.version),
        };
        let old = self.find(id);
        let known = match (old, self.erased.get(&id)) {
            (Some(slot), _) => self.rows.version(slot),
            (None, tombstone) => tombstone.map(|tombstone| tombstone.version),
        };
        if known.is_some_and(|known| known >= version) {
            return Ok(false);
        }
        match row {
            Row::Present(user) => self.put(user, old).map_err(Error::caused_by)?,
            Row::Erased(tombstone) => {
                self.erased.insert(id, *tombstone);
                self.remove(id);
            }
        }
        if let Some(slot) = old {
            self.bury(slot);
        }
        self.compact_if_worth_it()?;
        Ok(true)
    }

    /// Forgets the tombstones from before `time`. Whoever feeds the columns calls this with the time
    /// from which on all further rows will be: an older row of an erased user cannot come then.
    pub fn forget_erased(&mut self, time: Timestamp) {
        self.erased
            .retain(|_, tombstone| tombstone.updated_at >= time);
    }

    /// Octets on the heap, unused capacity included.
    pub fn memory(&self) -> usize {
        self.rows.memory()
            + self.living.memory()
            // An octet of control data stands beside each slot.
            + self.slots.capacity() * 8 / 7 * (size_of::<Slot>() + 1)
            + self.erased.capacity() * size_of::<(UserId, Tombstone)>()
            + self.orders.iter().map(Order::memory).sum::<usize>()
    }

    fn find(&self, id: UserId) -> Option<Slot> {
        let hash = self.hasher.hash_one(id);
        self.slots
            .find(hash, |slot| self.rows.id(*slot) == Some(id))
            .copied()
    }

    /// Appends a row and points the index to it.
    fn put(&mut self, user: &Profile, old: Option<Slot>) -> Result<(), Full> {
        let slot = self.rows.push(user)?;
        self.living.push(true);
        self.erased.remove(&user.id);
        let Self {
            slots,
            hasher,
            rows,
            ..
        } = self;
        let hash = hasher.hash_one(user.id);
        match old.and_then(|old| slots.find_mut(hash, |slot| *slot == old)) {
            Some(entry) => *entry = slot,
            None => {
                slots.insert_unique(hash, slot, |slot| {
                    hasher.hash_one(rows.id(*slot).unwrap_or(user.id))
                });
            }
        }
        Ok(())
    }

    fn remove(&mut self, id: UserId) {
        let hash = self.hasher.hash_one(id);
        let found = self
            .slots
            .find_entry(hash, |slot| self.rows.id(*slot) == Some(id));
        if let Ok(entry) = found {
            entry.remove();
        }
    }

    fn bury(&mut self, slot: Slot) {
        self.living.set(slot as usize, false);
        for order in &mut self.orders {
            order.forget(slot);
        }
    }

    /// Copies the living together once a quarter of all rows is dead.
    fn compact_if_worth_it(&mut self) -> Result<()> {
        let dead = self.rows.len() - self.len();
        if dead < LEAST_DEAD || dead * 4 < self.rows.len() {
            return Ok(());
        }
        let rows = self
            .rows
            .compacted(&self.living)
            .map_err(Error::caused_by)?;
        let mut renumbered = vec![0; self.rows.len()];
        for (new, old) in (0..).zip(self.living.ones()) {
            if let Some(slot) = renumbered.get_mut(old as usize) {
                *slot = new;
            }
        }
        for slot in &mut self.slots {
            *slot = renumbered.get(*slot as usize).copied().unwrap_or_default();
        }
        for order in &mut self.orders {
            order.renumber(&renumbered, &self.living);
        }
        self.living = Bits::all(rows.len(), true);
        self.rows = rows;
        Ok(())
    }
}
