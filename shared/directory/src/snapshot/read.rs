//! Segments to columns.

use domain::{Role, Roles, Timestamp, UserId, Version};
use uuid::Uuid;

use super::{
    ACTIVE, CAPITALISED, EMAIL_SHIFT, FOLDED, FORMAT, MAX_UNPACKED, NAME_SHIFT, OWN, TOMBSTONE,
    Unreadable, VERIFIED,
};
use crate::{
    columns::{Columns, Record, Spelling},
    row::Tombstone,
};

/// Applies the rows and tombstones of a segment to columns, as [`Columns::upsert`] does with those
/// of the feed.
///
/// # Errors
/// If it is no segment of the [format](FORMAT) known here, or there is no room. Some of its rows may
/// have been applied then.
pub fn load_segment(columns: &mut Columns, segment: &[u8]) -> Result<(), Unreadable> {
    let segment = Segment::read(segment)?;
    for record in segment.records() {
        columns
            .put_record(&record?)
            .map_err(|_| Unreadable("there is no room for it"))?;
    }
    for tombstone in segment.tombstones() {
        columns.erase(tombstone?);
    }
    Ok(())
}

/// A segment, unpacked.
#[derive(Debug)]
struct Segment {
    bytes: Vec<u8>,
    role_sets: Vec<Roles>,
    rows: usize,
    tombstones: usize,
    /// Where the columns begin.
    columns: usize,
}

const CUT_OFF: Unreadable = Unreadable("a segment is cut off");

impl Segment {
    fn read(packed: &[u8]) -> Result<Self, Unreadable> {
        let bytes = zstd::bulk::decompress(packed, MAX_UNPACKED)
            .map_err(|_| Unreadable("a segment does not unpack"))?;
        let mut rest = bytes.as_slice();
        if u32::from_le_bytes(take(&mut rest)?) != FORMAT {
            return Err(Unreadable("a segment has another format"));
        }
        let mut count = || take(&mut rest).map(|count| u32::from_le_bytes(count) as usize);
        let (rows, tombstones, sets) = (count()?, count()?, count()?);
        let role_sets = (0..sets)
            .map(|_| roles(&mut rest))
            .collect::<Result<_, _>>()?;
        let columns = bytes.len() - rest.len();
        Ok(Self {
            bytes,
            role_sets,
            rows,
            tombstones,
            columns,
        })
    }

    fn records(&self) -> impl Iterator<Item = Result<Record<'_>, Unreadable>> {
        let mut columns = self.columns();
        (0..self.rows).map(move |_| columns.as_mut().map_err(|error| *error)?.next(self))
    }

    fn tombstones(&self) -> impl Iterator<Item = Result<Tombstone, Unreadable>> {
        let start = self.bytes.len().checked_sub(self.tombstones * TOMBSTONE);
        let mut rest = start.and_then(|start| self.bytes.get(start..));
        (0..self.tombstones).map(move |_| {
            let rest = rest.as_mut().ok_or(CUT_OFF)?;
            Ok(Tombstone {
                id: id(take(rest)?),
                version: Version::from(u64::from_le_bytes(take(rest)?)),
                updated_at: Timestamp::from_micros(i64::from_le_bytes(take(rest)?)),
            })
        })
    }

    fn columns(&self) -> Result<Rest<'_>, Unreadable> {
        let mut rest = self.bytes.get(self.columns..).ok_or(CUT_OFF)?;
        let mut column = |width: usize| take_some(&mut rest, self.rows * width);
        Ok(Rest {
            ids: column(16)?,
            flags: column(1)?,
            roles: column(4)?,
            created: column(8)?,
            updated: column(8)?,
            versions: column(4)?,
            lengths: column(8)?,
            texts: rest,
        })
    }
}

/// What is left of each column.
struct Rest<'a> {
    ids: &'a [u8],
    flags: &'a [u8],
    roles: &'a [u8],
    created: &'a [u8],
    updated: &'a [u8],
    versions: &'a [u8],
    lengths: &'a [u8],
    texts: &'a [u8],
}

impl<'a> Rest<'a> {
    fn next(&mut self, segment: &'a Segment) -> Result<Record<'a>, Unreadable> {
        let [flags] = take(&mut self.flags)?;
        let roles = u32::from_le_bytes(take(&mut self.roles)?) as usize;
        let mut text = || {
            let length = u16::from_le_bytes(take(&mut self.lengths)?);
            take_some(&mut self.texts, usize::from(length))
        };
        let (name, email, own_name, own_email) = (text()?, text()?, text()?, text()?);
        Ok(Record {
            id: id(take(&mut self.ids)?),
            name,
            name_spelling: spelling(flags >> NAME_SHIFT, own_name)?,
            email,
            email_spelling: spelling(flags >> EMAIL_SHIFT, own_email)?,
            roles: segment
                .role_sets
                .get(roles)
                .ok_or(Unreadable("a row has roles which its segment has not"))?,
            active: flags & ACTIVE != 0,
            verified: flags & VERIFIED != 0,
            created: i64::from_le_bytes(take(&mut self.created)?),
            updated: i64::from_le_bytes(take(&mut self.updated)?),
            version: u32::from_le_bytes(take(&mut self.versions)?),
        })
    }
}

fn roles(rest: &mut &[u8]) -> Result<Roles, Unreadable> {
    let [count] = take(rest)?;
    let role = |_| {
        let [length] = take(rest)?;
        let word = std::str::from_utf8(take_some(rest, usize::from(length))?);
        word.map(|word| Role::stored(word.to_owned()))
            .map_err(|_| Unreadable("a segment has a role that is no text"))
    };
    (0..count).map(role).collect()
}

fn spelling(bits: u8, own: &[u8]) -> Result<Spelling<'_>, Unreadable> {
    match bits & 3 {
        FOLDED => Ok(Spelling::Folded),
        CAPITALISED => Ok(Spelling::Capitalised),
        OWN => Ok(Spelling::Own(own)),
        _ => Err(Unreadable("a row has an unknown spelling")),
    }
}

fn id(bytes: [u8; 16]) -> UserId {
    UserId::from(Uuid::from_bytes(bytes))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Unreadable> {
    let (taken, left) = rest.split_first_chunk().ok_or(CUT_OFF)?;
    *rest = left;
    Ok(*taken)
}

fn take_some<'a>(rest: &mut &'a [u8], count: usize) -> Result<&'a [u8], Unreadable> {
    let (taken, left) = rest.split_at_checked(count).ok_or(CUT_OFF)?;
    *rest = left;
    Ok(taken)
}
