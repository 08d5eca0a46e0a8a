//! Rows, column by column. Only ever appended to.

use std::cmp::Ordering;

use super::{Full, bits::Bits, growth, roles::RoleSets, spelling::Spellings, text::Texts};
use crate::domain::{
    Error, Result, Timestamp, UserId, Version,
    cursor::{Cursor, Key},
    fold::Folded,
    listing::SortKey,
    user::Profile,
};

/// Where a row is.
pub(super) type Slot = u32;

/// The first octets of a row's key, as a number, and the row.
pub(super) type Keyed = (u64, Slot);

/// The columns.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) ids: Vec<UserId>,
    pub(super) texts: Texts,
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
    /// Four octets are enough: a user changing each second needs 136 years to use them up.
    versions: Vec<u32>,
    /// At least the octets in each buffer of texts, whose places take four octets.
    octets: usize,
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }

    /// Appends a row.
    ///
    /// # Errors
    /// If there is no room; all columns are as before then.
    pub(super) fn push(&mut self, user: &Profile) -> Result<Slot, Full> {
        let name = Folded::new(user.name.as_str());
        let email = Folded::new(user.email.as_str());
        let slot = u32::try_from(self.len()).map_err(|_| Full)?;
        let version = u32::try_from(user.version.get()).map_err(|_| Full)?;
        let texts = [
            name.as_str(),
            email.as_str(),
            user.name.as_str(),
            user.email.as_str(),
        ];
        let octets = self.octets + texts.map(|text| text.len() + 1).iter().sum::<usize>();
        u32::try_from(octets).map_err(|_| Full)?;
        self.octets = octets;
        let roles = self.role_sets.number(&user.roles)?;
        self.texts
            .push(name.as_str().as_bytes(), email.as_str().as_bytes())?;
        self.names.push(slot, user.name.as_str(), name.as_str())?;
        self.emails
            .push(slot, user.email.as_str(), email.as_str())?;
        growth::push(&mut self.ids, user.id);
        growth::push(&mut self.roles, roles);
        self.active.push(user.active);
        self.verified.push(user.email_verified);
        growth::push(&mut self.created, user.created_at.as_micros());
        growth::push(&mut self.updated, user.updated_at.as_micros());
        growth::push(&mut self.versions, version);
        Ok(slot)
    }

    pub(super) fn version(&self, slot: Slot) -> Option<Version> {
        let version = self.versions.get(slot as usize)?;
        Some(Version::from(u64::from(*version)))
    }

    pub(super) fn id(&self, slot: Slot) -> Option<UserId> {
        self.ids.get(slot as usize).copied()
    }

    /// The user of a row.
    pub(super) fn profile(&self, slot: Slot) -> Result<Profile> {
        let row = slot as usize;
        let user = || {
            let name = self.names.typed(slot, self.texts.name(row))?;
            let email = self.emails.typed(slot, self.texts.email(row))?;
            Some(Profile {
                id: *self.ids.get(row)?,
                // Parsed as ever: there is no back door to these types.
                email: email.parse().ok()?,
                email_verified: self.verified.get(row),
                name: name.parse().ok()?,
                roles: self.role_sets.get(*self.roles.get(row)?)?.clone(),
                active: self.active.get(row),
                created_at: Timestamp::from_micros(*self.created.get(row)?),
                updated_at: Timestamp::from_micros(*self.updated.get(row)?),
                version: self.version(slot)?,
            })
        };
        user().ok_or_else(|| Error::internal(format!("row {slot} of the directory is no user")))
    }

    /// A row behind the first octets of its key: comparing those in place spares most look-ups in
    /// the columns.
    pub(super) fn keyed(&self, key: SortKey, slot: Slot) -> Keyed {
        let row = slot as usize;
        let text = match key {
            SortKey::CreatedAt | SortKey::UpdatedAt => {
                return (self.time(key, row).cast_unsigned(), slot);
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

    /// How a row compares with a cursor's place, ascending.
    pub(super) fn compare_with(&self, slot: Slot, cursor: &Cursor) -> Ordering {
        let row = slot as usize;
        let order = match (cursor.sort.key, &cursor.key) {
            (SortKey::Name, Key::Text(text)) => self.texts.name(row).cmp(text.as_str().as_bytes()),
            (_, Key::Text(text)) => self.texts.email(row).cmp(text.as_str().as_bytes()),
            (key, Key::Time(time)) => self.time(key, row).cmp(&time.as_micros()),
        };
        order.then_with(|| self.id(slot).cmp(&Some(cursor.id)))
    }

    /// The rows of `living`, copied together.
    pub(super) fn compacted(&self, living: &Bits) -> Result<Self> {
        let mut rows = Self::default();
        for slot in living.ones() {
            rows.push(&self.profile(slot)?).map_err(Error::caused_by)?;
        }
        Ok(rows)
    }

    /// Octets on the heap.
    pub(super) fn memory(&self) -> usize {
        growth::memory(&self.ids)
            + self.texts.memory()
            + self.names.memory()
            + self.emails.memory()
            + growth::memory(&self.roles)
            + self.role_sets.memory()
            + self.active.memory()
            + self.verified.memory()
            + growth::memory(&self.created)
            + growth::memory(&self.updated)
            + growth::memory(&self.versions)
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
