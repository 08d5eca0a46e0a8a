//! The page which answers a query.

use std::ops::Range;

use super::{
    Columns,
    bits::Bits,
    order::Order,
    rows::{Rows, Slot},
};
use crate::query::{Cursor, Position, SortKey, UserPage, UserQuery, search::Search};

/// Up to this many users from the nearer end a page is found by selection if its order is not made
/// yet.
const SHALLOW: usize = 1_000;

/// If fewer than one in so many rows matches, selecting among the matches is cheaper than a walk.
const SPARSE: usize = 32;

/// The rows of a page, ascending, and whether there are matches beyond its ends.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PageRows {
    slots: Vec<Slot>,
    below: bool,
    above: bool,
}

impl Columns {
    /// The page asked for, and the exact total. Takes `&mut self` since orders are made and brought
    /// up to date when they are used.
    pub fn list(&mut self, query: &UserQuery) -> UserPage {
        let matching = self.matching(query);
        let total = matching.as_ref().map_or(self.len(), Bits::count);
        let sort = query.sort;
        let Self {
            rows, live, orders, ..
        } = self;
        let order = order_by(sort.key, orders);
        let deep = distance(query, total) > SHALLOW;
        let PageRows {
            mut slots,
            below,
            above,
        } = if order.is_worth_it(deep) && !is_sparse(total, rows) {
            let order = order.slots(rows, live);
            walk(order, rows, matching.as_ref(), total, query)
        } else {
            select(rows, matching.as_ref().unwrap_or(live), total, query)
        };
        let (mut before, mut after) = (below, above);
        if sort.descending {
            slots.reverse();
            (before, after) = (after, before);
        }
        let users: Vec<_> = slots
            .into_iter()
            .filter_map(|slot| rows.profile(slot))
            .collect();
        let beside = |user: Option<_>, forward| match (user, &query.position) {
            (Some(user), _) => Some(Cursor::beside(user, sort, forward)),
            // The page is empty; the way back starts at the place itself.
            (None, Position::Cursor(cursor)) => Some(cursor.turned()),
            (None, _) => None,
        };
        UserPage {
            total: total as u64,
            next: after.then(|| beside(users.last(), true)).flatten(),
            previous: before.then(|| beside(users.first(), false)).flatten(),
            users,
        }
    }

    /// The live rows that match search and filter; none if that is all of them.
    fn matching(&self, query: &UserQuery) -> Option<Bits> {
        let search = query.search.as_deref();
        let search = search.map(|text| self.rows.with_words(&Search::new(text)));
        let filter = query.filter.as_ref();
        let filter = filter.map(|filter| self.rows.satisfying(filter));
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

/// The ranks of a page by number among so many matches, ascending.
fn ranks(query: &UserQuery, total: usize) -> Range<usize> {
    let offset = usize::try_from(query.offset().unwrap_or_default()).unwrap_or(usize::MAX);
    let start = total.min(offset);
    let end = total.min(start + query.limit as usize);
    if query.sort.descending {
        total - end..total - start
    } else {
        start..end
    }
}

/// How far into the order of so many matches the page is, from the nearer end.
fn distance(query: &UserQuery, total: usize) -> usize {
    match query.position {
        Position::Cursor(_) => query.limit as usize,
        Position::Start | Position::Page(_) => {
            let ranks = ranks(query, total);
            ranks.end.min(total - ranks.start)
        }
    }
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
    query: &UserQuery,
) -> PageRows {
    if let Position::Cursor(cursor) = &query.position {
        return walk_from(order, rows, matching, cursor, query.limit as usize);
    }
    let ranks = ranks(query, total);
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
    PageRows {
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
) -> PageRows {
    let matches = |slot: &Slot| matching.is_none_or(|matching| matching.get(*slot as usize));
    let admitted = |slot: &Slot| cursor.admits(rows.compare_with(*slot, cursor));
    let ascends = cursor.ascends();
    let (low, high) = order.split_at(order.partition_point(|slot| admitted(slot) != ascends));
    // One more than the page takes shows whether there are more.
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
        PageRows {
            slots,
            below: low.iter().rev().any(matches),
            above: more,
        }
    } else {
        slots.reverse();
        PageRows {
            slots,
            below: more,
            above: high.iter().any(matches),
        }
    }
}

/// The page, by selecting among the matches. Takes time linear in them.
pub(super) fn select(rows: &Rows, among: &Bits, total: usize, query: &UserQuery) -> PageRows {
    if let Position::Cursor(cursor) = &query.position {
        return select_from(rows, among, total, cursor, query.limit as usize);
    }
    let (key, ranks) = (query.sort.key, ranks(query, total));
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
    PageRows {
        slots: page.into_iter().map(|(_, slot)| slot).collect(),
        below: ranks.start > 0,
        above: ranks.end < total,
    }
}

fn select_from(rows: &Rows, among: &Bits, total: usize, cursor: &Cursor, limit: usize) -> PageRows {
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
        PageRows {
            slots,
            below: beyond,
            above: more,
        }
    } else {
        slots.reverse();
        PageRows {
            slots,
            below: more,
            above: beyond,
        }
    }
}
