//! Segments to columns.

use domain::{Roles, Timestamp, UserId, Version};
use uuid::Uuid;

use super::{
    super::{Tombstone, Unreadable, rows::Record, spelling::Spelling},
    ACTIVE, CAPITALISED, EMAIL_SHIFT, FOLDED, FORMAT, MAX_UNPACKED, NAME_SHIFT, OWN, VERIFIED,
};

/// A segment, unpacked.
#[derive(Debug)]
pub(in super::super) struct Segment {
    bytes: Vec<u8>,
    role_sets: Vec<Roles>,
    rows: usize,
    tombstones: usize,
    /// Where the columns begin.
    columns: usize,
}

const CUT_OFF: Unreadable = Unreadable("a segment is cut off");

impl Segment {
    /// Unpacks a segment.
    pub(in super::super) fn read(packed: &[u8]) -> Result<Self, Unreadable> {
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

    /// Its rows.
    pub(in super::super) fn records(&self) -> impl Iterator<Item = Result<Record<'_>, Unreadable>> {
        let mut columns = self.columns();
        (0..self.rows).map(move |_| columns.as_mut().map_err(|error| *error)?.next(self))
    }

    /// Its tombstones.
    pub(in super::super) fn tombstones(
        &self,
    ) -> impl Iterator<Item = Result<Tombstone, Unreadable>> {
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

    fn columns(&self) -> Result<Columns<'_>, Unreadable> {
        let mut rest = self.bytes.get(self.columns..).ok_or(CUT_OFF)?;
        let mut column = |width: usize| take_some(&mut rest, self.rows * width);
        Ok(Columns {
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

/// Bytes of a tombstone.
const TOMBSTONE: usize = 32;

/// What is left of each column.
struct Columns<'a> {
    ids: &'a [u8],
    flags: &'a [u8],
    roles: &'a [u8],
    created: &'a [u8],
    updated: &'a [u8],
    versions: &'a [u8],
    lengths: &'a [u8],
    texts: &'a [u8],
}

impl<'a> Columns<'a> {
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
        let role = word.ok().and_then(|word| word.parse().ok());
        role.ok_or(Unreadable("a segment has a role that is none"))
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
