//! The read model: rows, the index to them, and what is dead among them.

use std::{collections::HashMap, hash::BuildHasher as _};

use domain::{Error, Result, Timestamp, UserId, Version};
use hashbrown::{DefaultHashBuilder, HashTable, hash_table::Entry};

use super::{
    Full, Row, Tombstone, Unreadable,
    bits::Bits,
    order::Order,
    rows::{Rows, Slot},
    segment::{self, Segment, Told},
};
use crate::listing::SortKey;

/// Rows that are dead before compaction is worth it.
const LEAST_DEAD: usize = 64;

/// All users, as columns. See the [module](super).
#[derive(Debug)]
pub struct Columns {
    pub(super) rows: Rows,
    pub(super) live: Bits,
    /// Finds the live row of a user. It holds slots, four bytes each; the ids stay in their
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
        let news = match row {
            Row::Present(user) => self.put(user.id, user.version, |rows| rows.push(user))?,
            Row::Erased(tombstone) => self.erase(*tombstone),
        };
        self.compact_if_worth_it()?;
        Ok(news)
    }

    /// Takes over what a segment tells, as if the feed told it. See [`segments`](Self::segments).
    ///
    /// # Errors
    /// If it is no segment of the format known here, or there is no room. Some of its rows may be
    /// taken over then.
    pub fn load(&mut self, segment: &[u8]) -> Result<(), Unreadable> {
        let segment = Segment::read(segment)?;
        for record in segment.records() {
            let record = record?;
            let version = Version::from(u64::from(record.version));
            self.put(record.id, version, |rows| rows.append(&record))
                .map_err(|_| Unreadable("there is no room for it"))?;
        }
        for tombstone in segment.tombstones() {
            self.erase(tombstone?);
        }
        Ok(())
    }

    /// All that is known, as segments, which [`load`](Self::load) reads: each at most
    /// [`MAX_OCTETS`](super::segment::MAX_OCTETS). The same users make the same segments, and a
    /// change of one user changes only that user's.
    ///
    /// # Errors
    /// [`Error::Internal`] if they cannot be compressed.
    pub fn segments(&self) -> Result<Vec<Vec<u8>>> {
        let present = self.live.ones().filter_map(|slot| {
            let record = self.rows.record(slot)?;
            Some((record.id, Told::Present(slot)))
        });
        let erased = self.erased.values();
        let erased = erased.map(|tombstone| (tombstone.id, Told::Erased(*tombstone)));
        segment::cut(&self.rows, present.chain(erased).collect())
    }

    /// Forgets the tombstones from before `time`. Whoever feeds the columns calls this with the time
    /// from which on all further rows will be: an older row of an erased user cannot come then.
    pub fn forget_erased(&mut self, time: Timestamp) {
        self.erased
            .retain(|_, tombstone| tombstone.updated_at >= time);
    }

    /// Bytes on the heap, unused capacity included.
    pub fn memory(&self) -> usize {
        self.rows.memory()
            + self.live.memory()
            // An byte of control data stands beside each slot.
            + self.slots.capacity() * 8 / 7 * (size_of::<Slot>() + 1)
            + self.erased.capacity() * size_of::<(UserId, Tombstone)>()
            + self.orders.iter().map(Order::memory).sum::<usize>()
    }

    /// Appends a row and points the index to it, if it is news; the row before is dead then.
    fn put(
        &mut self,
        id: UserId,
        version: Version,
        push: impl FnOnce(&mut Rows) -> Result<Slot, Full>,
    ) -> Result<bool> {
        let Self {
            slots,
            hasher,
            rows,
            live,
            erased,
            ..
        } = self;
        let place = slots.entry(
            hasher.hash_one(id),
            |slot| rows.id(*slot) == Some(id),
            |slot| hasher.hash_one(rows.id(*slot).unwrap_or(id)),
        );
        let known = match &place {
            Entry::Occupied(old) => rows.version(*old.get()),
            Entry::Vacant(_) => erased.get(&id).map(|tombstone| tombstone.version),
        };
        if known.is_some_and(|known| known >= version) {
            return Ok(false);
        }
        let new = push(rows).map_err(Error::caused_by)?;
        live.push(true);
        match place {
            Entry::Occupied(mut place) => {
                let old = std::mem::replace(place.get_mut(), new);
                self.delete(old);
            }
            Entry::Vacant(place) => {
                place.insert(new);
                erased.remove(&id);
            }
        }
        Ok(true)
    }

    /// Notes that a user was erased, if it is news; the row is dead then.
    fn erase(&mut self, tombstone: Tombstone) -> bool {
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

    fn delete(&mut self, slot: Slot) {
        self.live.set(slot as usize, false);
        for order in &mut self.orders {
            order.forget(slot);
        }
    }

    /// Copies the live together once a quarter of all rows is dead.
    fn compact_if_worth_it(&mut self) -> Result<()> {
        let dead = self.rows.len() - self.len();
        if dead < LEAST_DEAD || dead * 4 < self.rows.len() {
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
