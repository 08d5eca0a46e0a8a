//! Questions answered from the columns.

use std::ops::Range;

use domain::Result;

use super::{
    Columns,
    bits::Bits,
    order::Order,
    rows::{Rows, Slot},
    text::Within,
};
use crate::{
    Cursor,
    fold::Folded,
    listing::{Listed, Listing, Position, SortKey},
};

/// Users up to which a page is looked for in an order that is not made yet by selection.
const SHALLOW: usize = 1_000;

/// If matches are fewer than one in so many rows, selecting among them is cheaper than walking all.
const SPARSE: usize = 32;

/// A page, ascending, and whether there are matches beyond its ends.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) slots: Vec<Slot>,
    pub(super) below: bool,
    pub(super) above: bool,
}

/// Which of the matches are wanted, ascending.
#[derive(Debug)]
pub(super) enum Wanted<'a> {
    /// By their ranks.
    Ranks(Range<usize>),
    /// So many next to a place.
    Beside(&'a Cursor, usize),
}

impl Columns {
    /// Answers a question. Takes `&mut self` since orders are made and mended when asked for.
    pub fn list(&mut self, listing: &Listing) -> Result<Listed> {
        let matching = self.matching(listing);
        let total = matching.as_ref().map_or(self.len(), Bits::count);
        let sort = listing.sort;
        let wanted = wanted(listing, total);
        let Self {
            rows, live, orders, ..
        } = self;
        let order = order_by(sort.key, orders);
        let wants_order = order.is_wanted(wanted.reach(total) > SHALLOW);
        let mut found = if wants_order && !is_sparse(total, rows) {
            walk(
                order.slots(rows, live),
                rows,
                matching.as_ref(),
                total,
                &wanted,
            )
        } else {
            let among = matching.as_ref().unwrap_or(live);
            select(rows, sort.key, among, total, &wanted)
        };
        let (mut before, mut after) = (found.below, found.above);
        if sort.descending {
            found.slots.reverse();
            (before, after) = (after, before);
        }
        let users = found.slots.iter().map(|slot| rows.profile(*slot));
        let users = users.collect::<Result<Vec<_>>>()?;
        let beside = |user: Option<_>, forward| match (user, &listing.position) {
            (Some(user), _) => Some(Cursor::beside(user, sort, forward)),
            // Whoever was there has gone; the way back is from the place itself.
            (None, Position::Cursor(cursor)) => Some(cursor.turned()),
            (None, _) => None,
        };
        Ok(Listed {
            total: total as u64,
            next: after.then(|| beside(users.last(), true)).flatten(),
            previous: before.then(|| beside(users.first(), false)).flatten(),
            users,
        })
    }

    /// The live rows that match search and filter; none if that is all of them.
    fn matching(&self, listing: &Listing) -> Option<Bits> {
        let search = listing.search.as_deref().map(|needle| {
            self.rows
                .texts
                .containing(Folded::new(needle).as_str(), Within::Either)
        });
        let filter = listing
            .filter
            .as_ref()
            .map(|filter| self.rows.satisfying(filter));
        let mut matching = match (search, filter) {
            (None, None) => return None,
            (Some(one), None) | (None, Some(one)) => one,
            (Some(mut both), Some(filter)) => {
                both.and(&filter);
                both
            }
        };
        matching.and(&self.live);
        Some(matching)
    }
}

impl Wanted<'_> {
    /// How far into the order of so many matches this reaches, from the nearer end.
    fn reach(&self, total: usize) -> usize {
        match self {
            Self::Ranks(ranks) => ranks.end.min(total - ranks.start),
            Self::Beside(_, limit) => *limit,
        }
    }
}

fn order_by(key: SortKey, orders: &mut [Order; 4]) -> &mut Order {
    // As in `SortKey::ALL`.
    let [created, updated, name, email] = orders;
    match key {
        SortKey::CreatedAt => created,
        SortKey::UpdatedAt => updated,
        SortKey::Name => name,
        SortKey::Email => email,
    }
}

fn wanted(listing: &Listing, total: usize) -> Wanted<'_> {
    let limit = listing.limit as usize;
    if let Position::Cursor(cursor) = &listing.position {
        return Wanted::Beside(cursor, limit);
    }
    let offset = usize::try_from(listing.offset().unwrap_or_default()).unwrap_or(usize::MAX);
    let start = total.min(offset);
    let end = total.min(start + limit);
    Wanted::Ranks(if listing.sort.descending {
        total - end..total - start
    } else {
        start..end
    })
}

fn is_sparse(total: usize, rows: &Rows) -> bool {
    total < rows.len() / SPARSE
}

/// The page, by walking along the order.
pub(super) fn walk(
    order: &[Slot],
    rows: &Rows,
    matching: Option<&Bits>,
    total: usize,
    wanted: &Wanted<'_>,
) -> Found {
    let ranks = match wanted {
        Wanted::Ranks(ranks) => ranks,
        Wanted::Beside(cursor, limit) => return walk_from(order, rows, matching, cursor, *limit),
    };
    let slots = match matching {
        None => order.get(ranks.clone()).unwrap_or_default().to_vec(),
        // From the nearer end.
        Some(matching) if ranks.start <= total - ranks.end => {
            let found = order
                .iter()
                .copied()
                .filter(|slot| matching.get(*slot as usize));
            found.skip(ranks.start).take(ranks.len()).collect()
        }
        Some(matching) => {
            let found = order
                .iter()
                .rev()
                .copied()
                .filter(|slot| matching.get(*slot as usize));
            let skipped = found.skip(total - ranks.end);
            let mut slots: Vec<_> = skipped.take(ranks.len()).collect();
            slots.reverse();
            slots
        }
    };
    Found {
        slots,
        below: ranks.start > 0,
        above: ranks.end < total,
    }
}

fn walk_from(
    order: &[Slot],
    rows: &Rows,
    matching: Option<&Bits>,
    cursor: &Cursor,
    limit: usize,
) -> Found {
    let matches = |slot: &Slot| matching.is_none_or(|matching| matching.get(*slot as usize));
    let admitted = |slot: &Slot| cursor.admits(rows.compare_with(*slot, cursor));
    let ascends = cursor.ascends();
    let (low, high) = order.split_at(order.partition_point(|slot| admitted(slot) != ascends));
    // One more than wanted tells whether there are more.
    let mut slots: Vec<_> = if ascends {
        high.iter()
            .copied()
            .filter(matches)
            .take(limit + 1)
            .collect()
    } else {
        low.iter()
            .rev()
            .copied()
            .filter(matches)
            .take(limit + 1)
            .collect()
    };
    let more = slots.len() > limit;
    slots.truncate(limit);
    if ascends {
        Found {
            slots,
            below: low.iter().rev().any(matches),
            above: more,
        }
    } else {
        slots.reverse();
        Found {
            slots,
            below: more,
            above: high.iter().any(matches),
        }
    }
}

/// The page, by selecting among the matches. Takes time linear in them.
pub(super) fn select(
    rows: &Rows,
    key: SortKey,
    among: &Bits,
    total: usize,
    wanted: &Wanted<'_>,
) -> Found {
    let ranks = match wanted {
        Wanted::Ranks(ranks) => ranks,
        Wanted::Beside(cursor, limit) => return select_from(rows, among, total, cursor, *limit),
    };
    let mut keyed: Vec<_> = among.ones().map(|slot| rows.keyed(key, slot)).collect();
    let compare = |a: &_, b: &_| rows.compare_keyed(key, a, b);
    if ranks.end < keyed.len() {
        keyed.select_nth_unstable_by(ranks.end, compare);
        keyed.truncate(ranks.end);
    }
    if 0 < ranks.start && ranks.start < keyed.len() {
        keyed.select_nth_unstable_by(ranks.start, compare);
    }
    let mut page = keyed.split_off(ranks.start.min(keyed.len()));
    page.sort_unstable_by(compare);
    Found {
        slots: page.into_iter().map(|(_, slot)| slot).collect(),
        below: ranks.start > 0,
        above: ranks.end < total,
    }
}

fn select_from(rows: &Rows, among: &Bits, total: usize, cursor: &Cursor, limit: usize) -> Found {
    let key = cursor.sort.key;
    let admitted = |slot: &Slot| cursor.admits(rows.compare_with(*slot, cursor));
    let candidates = among.ones().filter(admitted);
    let mut keyed: Vec<_> = candidates.map(|slot| rows.keyed(key, slot)).collect();
    let beyond = keyed.len() < total;
    let more = keyed.len() > limit;
    let ascends = cursor.ascends();
    // Nearest to the place first.
    let compare = |a: &_, b: &_| {
        let order = rows.compare_keyed(key, a, b);
        if ascends { order } else { order.reverse() }
    };
    if more {
        keyed.select_nth_unstable_by(limit, compare);
        keyed.truncate(limit);
    }
    keyed.sort_unstable_by(compare);
    let mut slots: Vec<_> = keyed.into_iter().map(|(_, slot)| slot).collect();
    if ascends {
        Found {
            slots,
            below: beyond,
            above: more,
        }
    } else {
        slots.reverse();
        Found {
            slots,
            below: more,
            above: beyond,
        }
    }
}
