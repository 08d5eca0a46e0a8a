//! The plain way to list users, against which the columns are tested.

use std::cmp::Ordering;

use domain::user::Profile;

use super::{Cursor, Position, SortKey, UserPage, UserQuery, cursor::Key, fold::Folded};

/// The page of `users` asked for.
pub(crate) fn list(users: impl IntoIterator<Item = Profile>, query: &UserQuery) -> UserPage {
    let mut users: Vec<_> = users
        .into_iter()
        .filter(|user| matches(user, query))
        .collect();
    users.sort_by(|one, other| compare(query, one, other));
    let total = users.len();
    let limit = query.limit as usize;
    let (start, end) = match &query.position {
        Position::Cursor(cursor) => {
            let admitted = |user: &Profile| cursor.admits(compare_with(user, cursor));
            let split = users.partition_point(|user| admitted(user) != cursor.forward);
            if cursor.forward {
                (split, total.min(split + limit))
            } else {
                (split.saturating_sub(limit), split)
            }
        }
        Position::Start | Position::Page(_) => {
            let offset = usize::try_from(query.offset().unwrap_or_default());
            let start = total.min(offset.unwrap_or(usize::MAX));
            (start, total.min(start + limit))
        }
    };
    let page = users.get(start..end).unwrap_or_default().to_vec();
    let beside = |user: Option<&Profile>, forward| match (user, &query.position) {
        (Some(user), _) => Some(Cursor::beside(user, query.sort, forward)),
        // The page is empty; the way back starts at the place itself.
        (None, Position::Cursor(cursor)) => Some(cursor.turned()),
        (None, _) => None,
    };
    UserPage {
        next: (end < total).then(|| beside(page.last(), true)).flatten(),
        previous: (start > 0).then(|| beside(page.first(), false)).flatten(),
        users: page,
        total: total as u64,
    }
}

fn matches(user: &Profile, query: &UserQuery) -> bool {
    let contains = |needle: &str| {
        let needle = Folded::new(needle);
        [user.name.as_str(), user.email.as_str()]
            .iter()
            .any(|text| Folded::new(text).as_str().contains(needle.as_str()))
    };
    query.search.as_deref().is_none_or(contains)
        && query
            .filter
            .as_ref()
            .is_none_or(|filter| filter.is_satisfied_by(user))
}

fn compare(query: &UserQuery, one: &Profile, other: &Profile) -> Ordering {
    let sort = query.sort;
    let order = compare_with(one, &Cursor::beside(other, sort, true));
    if sort.descending {
        order.reverse()
    } else {
        order
    }
}

/// How a user compares with a cursor's place, ascending.
fn compare_with(user: &Profile, cursor: &Cursor) -> Ordering {
    let order = match (cursor.sort.key, &cursor.key) {
        (SortKey::CreatedAt, Key::Time(time)) => user.created_at.cmp(time),
        (_, Key::Time(time)) => user.updated_at.cmp(time),
        (SortKey::Name, Key::Text(text)) => Folded::new(user.name.as_str()).cmp(text),
        (_, Key::Text(text)) => Folded::new(user.email.as_str()).cmp(text),
    };
    order.then(user.id.cmp(&cursor.id))
}
