//! Rows, column by column. Only ever appended to.

use std::{cmp::Ordering, collections::HashMap};

use domain::{Email, Name, Roles, Timestamp, UserId, Version, user::Profile};

use super::{
    Full,
    bits::{self, Bits},
    search::PlainTexts,
    spelling::{Spelling, Spellings},
    text::Texts,
};
use crate::query::{
    SortKey,
    cursor::{Cursor, Key},
    fold::Folded,
};

/// The number of a row.
pub(crate) type Slot = u32;

/// The first bytes of a row's key, as a number, and the row.
pub(super) type Keyed = (u64, Slot);

/// Bytes of a name or address at most, before folding. Names have 100 characters and addresses 254
/// bytes; folding makes at most three bytes of one (Unicode's longest expansion), and a
/// [cursor](crate::query::cursor::MAX_CURSOR_CHARS) must have room for the result.
const MAX_TEXT_BYTES: usize = 500;

/// The columns.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) ids: Vec<UserId>,
    pub(super) texts: Texts,
    pub(super) plain: PlainTexts,
    names: Spellings,
    emails: Spellings,
    pub(super) roles: Vec<u32>,
    pub(super) role_sets: RoleSets,
    pub(super) active: Bits,
    pub(super) verified: Bits,
    /// Microseconds since 1970.
    pub(super) created: Vec<i64>,
    /// Microseconds since 1970.
    pub(super) updated: Vec<i64>,
    /// Four bytes are enough: one change a second uses them up in 136 years.
    versions: Vec<u32>,
    /// At least the bytes in each buffer of texts, whose places take four bytes.
    bytes: usize,
}

/// The attributes in one row of the columns, or of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(crate) id: UserId,
    pub(crate) name: &'a [u8],
    pub(crate) name_spelling: Spelling<'a>,
    pub(crate) email: &'a [u8],
    pub(crate) email_spelling: Spelling<'a>,
    pub(crate) roles: &'a Roles,
    pub(crate) active: bool,
    pub(crate) verified: bool,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    pub(crate) version: u32,
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }

    /// True if the columns can hold the user.
    pub(super) fn fits(user: &Profile) -> bool {
        let texts = [user.name.as_str(), user.email.as_str()];
        texts.iter().all(|text| text.len() <= MAX_TEXT_BYTES)
            && u32::try_from(user.version.get()).is_ok()
    }

    /// Appends a user who [fits](Self::fits).
    ///
    /// # Errors
    /// If there is no room; then all columns are as before.
    pub(super) fn push(&mut self, user: &Profile) -> Result<Slot, Full> {
        let name = Folded::new(user.name.as_str());
        let email = Folded::new(user.email.as_str());
        self.append(&Record {
            id: user.id,
            name: name.as_str().as_bytes(),
            name_spelling: Spelling::of(user.name.as_str(), name.as_str()),
            email: email.as_str().as_bytes(),
            email_spelling: Spelling::of(user.email.as_str(), email.as_str()),
            roles: &user.roles,
            active: user.active,
            verified: user.email_verified,
            created: user.created_at.as_micros(),
            updated: user.updated_at.as_micros(),
            version: u32::try_from(user.version.get()).map_err(|_| Full)?,
        })
    }

    /// Appends a row.
    ///
    /// # Errors
    /// If there is no room; then all columns are as before.
    pub(super) fn append(&mut self, record: &Record<'_>) -> Result<Slot, Full> {
        let slot = u32::try_from(self.len()).map_err(|_| Full)?;
        self.bytes = self
            .bytes_with(record)
            .filter(|sum| u32::try_from(*sum).is_ok())
            .ok_or(Full)?;
        let roles = self.role_sets.number(record.roles)?;
        self.plain.push(slot, record.name, record.email)?;
        self.texts.push(record.name, record.email)?;
        self.names.push(slot, record.name_spelling)?;
        self.emails.push(slot, record.email_spelling)?;
        bits::push(&mut self.ids, record.id);
        bits::push(&mut self.roles, roles);
        self.active.push(record.active);
        self.verified.push(record.verified);
        bits::push(&mut self.created, record.created);
        bits::push(&mut self.updated, record.updated);
        bits::push(&mut self.versions, record.version);
        Ok(slot)
    }

    fn bytes_with(&self, record: &Record<'_>) -> Option<usize> {
        let own = |spelling| match spelling {
            Spelling::Own(typed) => typed.len(),
            Spelling::Folded | Spelling::Capitalised => 0,
        };
        let texts = record.name.len() + record.email.len() + 2;
        let spellings = own(record.name_spelling) + own(record.email_spelling);
        self.bytes.checked_add(texts + spellings)
    }

    pub(super) fn record(&self, slot: Slot) -> Option<Record<'_>> {
        let row = slot as usize;
        Some(Record {
            id: *self.ids.get(row)?,
            name: self.texts.name(row),
            name_spelling: self.names.get(slot),
            email: self.texts.email(row),
            email_spelling: self.emails.get(slot),
            roles: self.role_sets.get(*self.roles.get(row)?)?,
            active: self.active.get(row),
            verified: self.verified.get(row),
            created: *self.created.get(row)?,
            updated: *self.updated.get(row)?,
            version: *self.versions.get(row)?,
        })
    }

    pub(super) fn version(&self, slot: Slot) -> Option<Version> {
        let version = self.versions.get(slot as usize)?;
        Some(Version::from(u64::from(*version)))
    }

    pub(super) fn id(&self, slot: Slot) -> Option<UserId> {
        self.ids.get(slot as usize).copied()
    }

    /// The user in a row.
    pub(super) fn profile(&self, slot: Slot) -> Option<Profile> {
        let record = self.record(slot)?;
        Some(Profile {
            id: record.id,
            email: Email::stored(record.email_spelling.typed(record.email)),
            email_verified: record.verified,
            name: Name::stored(record.name_spelling.typed(record.name)),
            roles: record.roles.clone(),
            active: record.active,
            created_at: Timestamp::from_micros(record.created),
            updated_at: Timestamp::from_micros(record.updated),
            version: Version::from(u64::from(record.version)),
        })
    }

    /// A row with the first bytes of its key: comparing those first spares most look-ups in the
    /// columns.
    pub(super) fn keyed(&self, key: SortKey, slot: Slot) -> Keyed {
        let row = slot as usize;
        let text = match key {
            SortKey::CreatedAt | SortKey::UpdatedAt => {
                // With the sign turned, numbers without one sort as those with one.
                return ((self.time(key, row) ^ i64::MIN).cast_unsigned(), slot);
            }
            SortKey::Name => self.texts.name(row),
            SortKey::Email => self.texts.email(row),
        };
        let mut prefix = [0; 8];
        for (to, from) in prefix.iter_mut().zip(text) {
            *to = *from;
        }
        (u64::from_be_bytes(prefix), slot)
    }

    /// How two rows compare, ascending.
    pub(super) fn compare_keyed(&self, key: SortKey, one: &Keyed, other: &Keyed) -> Ordering {
        one.0
            .cmp(&other.0)
            .then_with(|| self.compare(key, one.1, other.1))
    }

    /// How two rows compare, ascending.
    pub(super) fn compare(&self, key: SortKey, one: Slot, other: Slot) -> Ordering {
        let (a, b) = (one as usize, other as usize);
        let order = match key {
            SortKey::CreatedAt | SortKey::UpdatedAt => self.time(key, a).cmp(&self.time(key, b)),
            SortKey::Name => self.texts.name(a).cmp(self.texts.name(b)),
            SortKey::Email => self.texts.email(a).cmp(self.texts.email(b)),
        };
        order.then_with(|| self.id(one).cmp(&self.id(other)))
    }

    /// How a row compares with the place of a cursor, ascending.
    pub(super) fn compare_with(&self, slot: Slot, cursor: &Cursor) -> Ordering {
        let row = slot as usize;
        let order = match (cursor.sort.key, &cursor.key) {
            (SortKey::Name, Key::Text(text)) => self.texts.name(row).cmp(text.as_str().as_bytes()),
            (_, Key::Text(text)) => self.texts.email(row).cmp(text.as_str().as_bytes()),
            (key, Key::Time(time)) => self.time(key, row).cmp(&time.as_micros()),
        };
        order.then_with(|| self.id(slot).cmp(&Some(cursor.id)))
    }

    /// The rows of `live`, copied together.
    pub(super) fn compacted(&self, live: &Bits) -> Result<Self, Full> {
        let mut rows = Self::default();
        for record in live.ones().filter_map(|slot| self.record(slot)) {
            rows.append(&record)?;
        }
        Ok(rows)
    }

    /// Bytes on the heap.
    pub(super) fn memory(&self) -> usize {
        bits::memory(&self.ids)
            + self.texts.memory()
            + self.plain.memory()
            + self.names.memory()
            + self.emails.memory()
            + bits::memory(&self.roles)
            + self.role_sets.memory()
            + self.active.memory()
            + self.verified.memory()
            + bits::memory(&self.created)
            + bits::memory(&self.updated)
            + bits::memory(&self.versions)
    }

    fn time(&self, key: SortKey, row: usize) -> i64 {
        let column = if key == SortKey::CreatedAt {
            &self.created
        } else {
            &self.updated
        };
        column.get(row).copied().unwrap_or_default()
    }
}

/// The sets of roles there are, numbered.
#[derive(Debug, Default)]
pub(super) struct RoleSets {
    sets: Vec<Roles>,
    numbers: HashMap<Roles, u32>,
}

impl RoleSets {
    /// The number of a set, which is new if there was none like it.
    pub(super) fn number(&mut self, roles: &Roles) -> Result<u32, Full> {
        if let Some(number) = self.numbers.get(roles) {
            return Ok(*number);
        }
        let number = u32::try_from(self.sets.len()).map_err(|_| Full)?;
        self.sets.push(roles.clone());
        self.numbers.insert(roles.clone(), number);
        Ok(number)
    }

    pub(super) fn get(&self, number: u32) -> Option<&Roles> {
        self.sets.get(number as usize)
    }

    /// For each set, the result of the test.
    pub(super) fn test(&self, test: impl FnMut(&Roles) -> bool) -> Vec<bool> {
        self.sets.iter().map(test).collect()
    }

    /// Bytes on the heap, without the words themselves: there are few.
    pub(super) fn memory(&self) -> usize {
        bits::memory(&self.sets) + self.numbers.capacity() * size_of::<(Roles, u32)>()
    }
}
