//! Columns to segments.

use std::collections::HashMap;

use domain::{Error, Result, Roles, UserId};

use super::{
    ACTIVE, CAPITALISED, EMAIL_SHIFT, FOLDED, FORMAT, MAX_BYTES, MAX_UNPACKED, NAME_SHIFT, OWN,
    TOMBSTONE, VERIFIED,
};
use crate::{
    columns::{Columns, Record, Slot, Spelling},
    row::Tombstone,
};

/// What is known of a user.
#[derive(Debug, Clone, Copy)]
enum Entry {
    /// The user is in this row.
    Present(Slot),
    /// The user was erased.
    Erased(Tombstone),
}

/// A segment ends before each id whose last bits are these zeros: one in 4,096, which makes segments
/// of some 150 KB. Since users say where segments end, no change of one moves the others.
const BOUNDARY: u128 = 0xfff;

/// The level of compression: zstd's default.
const LEVEL: i32 = 3;

/// The columns as segments of at most [`MAX_BYTES`] each, which [`load_segment`](super::load_segment)
/// reads. The same users make the same segments, and a change of one user changes only that user's
/// segment.
///
/// # Errors
/// [`Error::Internal`] if they cannot be compressed.
pub fn segments(columns: &Columns) -> Result<Vec<Vec<u8>>> {
    let present = columns.slots().map(|(id, slot)| (id, Entry::Present(slot)));
    let erased = columns.tombstones();
    let erased = erased.map(|tombstone| (tombstone.id, Entry::Erased(*tombstone)));
    let mut entries: Vec<_> = present.chain(erased).collect();
    entries.sort_unstable_by_key(|(id, _)| *id);
    let mut segments = Vec::new();
    for part in entries.chunk_by(|_, (next, _)| next.as_uuid().as_u128() & BOUNDARY != 0) {
        write(columns, part, &mut segments)?;
    }
    Ok(segments)
}

/// Writes one segment, or more if one would be too large.
fn write(
    columns: &Columns,
    entries: &[(UserId, Entry)],
    segments: &mut Vec<Vec<u8>>,
) -> Result<()> {
    let unpacked = Unpacked::of(columns, entries)?.into_bytes()?;
    if unpacked.len() <= MAX_UNPACKED {
        let packed = zstd::bulk::compress(&unpacked, LEVEL).map_err(Error::caused_by)?;
        if packed.len() <= MAX_BYTES {
            segments.push(packed);
            return Ok(());
        }
    }
    let (low, high) = entries.split_at(entries.len() / 2);
    if low.is_empty() {
        return Err(Error::internal("a row is larger than a segment"));
    }
    write(columns, low, segments)?;
    write(columns, high, segments)
}

/// The parts of a segment, each by itself.
#[derive(Default)]
struct Unpacked<'a> {
    role_sets: Vec<&'a Roles>,
    numbers: HashMap<&'a Roles, u32>,
    ids: Vec<u8>,
    flags: Vec<u8>,
    roles: Vec<u8>,
    created: Vec<u8>,
    updated: Vec<u8>,
    versions: Vec<u8>,
    lengths: Vec<u8>,
    texts: Vec<u8>,
    tombstones: Vec<u8>,
}

impl<'a> Unpacked<'a> {
    fn of(columns: &'a Columns, entries: &[(UserId, Entry)]) -> Result<Self> {
        let mut parts = Self::default();
        for (_, entry) in entries {
            match entry {
                Entry::Present(slot) => {
                    let gone = || Error::internal("a live row has no columns");
                    parts.row(&columns.record(*slot).ok_or_else(gone)?)?;
                }
                Entry::Erased(tombstone) => parts.tombstone(tombstone),
            }
        }
        Ok(parts)
    }

    fn row(&mut self, record: &Record<'a>) -> Result<()> {
        let (name, own_name) = spelled(record.name_spelling);
        let (email, own_email) = spelled(record.email_spelling);
        let flag = |on: bool, flag: u8| if on { flag } else { 0 };
        let flags = flag(record.active, ACTIVE) | flag(record.verified, VERIFIED);
        self.ids.extend(record.id.as_uuid().as_bytes());
        self.flags
            .push(flags | name << NAME_SHIFT | email << EMAIL_SHIFT);
        let number = self.number(record.roles)?;
        self.roles.extend(number.to_le_bytes());
        self.created.extend(record.created.to_le_bytes());
        self.updated.extend(record.updated.to_le_bytes());
        self.versions.extend(record.version.to_le_bytes());
        for text in [record.name, record.email, own_name, own_email] {
            let length = u16::try_from(text.len()).map_err(Error::caused_by)?;
            self.lengths.extend(length.to_le_bytes());
            self.texts.extend(text);
        }
        Ok(())
    }

    fn number(&mut self, roles: &'a Roles) -> Result<u32> {
        if let Some(number) = self.numbers.get(roles) {
            return Ok(*number);
        }
        let number = count(self.role_sets.len())?;
        self.role_sets.push(roles);
        self.numbers.insert(roles, number);
        Ok(number)
    }

    fn tombstone(&mut self, tombstone: &Tombstone) {
        self.tombstones.extend(tombstone.id.as_uuid().as_bytes());
        self.tombstones
            .extend(tombstone.version.get().to_le_bytes());
        self.tombstones
            .extend(tombstone.updated_at.as_micros().to_le_bytes());
    }

    fn into_bytes(self) -> Result<Vec<u8>> {
        let (rows, tombstones) = (self.flags.len(), self.tombstones.len() / TOMBSTONE);
        let mut bytes = Vec::new();
        bytes.extend(FORMAT.to_le_bytes());
        for part in [rows, tombstones, self.role_sets.len()] {
            bytes.extend(count(part)?.to_le_bytes());
        }
        for roles in self.role_sets {
            bytes.push(u8::try_from(roles.len()).map_err(Error::caused_by)?);
            for role in roles {
                bytes.push(u8::try_from(role.as_str().len()).map_err(Error::caused_by)?);
                bytes.extend(role.as_str().as_bytes());
            }
        }
        for part in [
            self.ids,
            self.flags,
            self.roles,
            self.created,
            self.updated,
            self.versions,
            self.lengths,
            self.texts,
            self.tombstones,
        ] {
            bytes.extend(part);
        }
        Ok(bytes)
    }
}

/// The bits of a spelling, and the text that goes with them.
fn spelled(spelling: Spelling<'_>) -> (u8, &[u8]) {
    match spelling {
        Spelling::Folded => (FOLDED, &[]),
        Spelling::Capitalised => (CAPITALISED, &[]),
        Spelling::Own(text) => (OWN, text),
    }
}

fn count(things: usize) -> Result<u32> {
    u32::try_from(things).map_err(Error::caused_by)
}
