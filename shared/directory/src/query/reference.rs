//! The plain way to list users, against which the columns are tested.

use std::cmp::Ordering;

use domain::user::Profile;

use super::{
    Cursor, Position, SortKey, UserPage, UserQuery,
    cursor::Key,
    fold::{Folded, without_diacritics},
    search::{Search, Word},
};

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
    let (name, email) = (
        Folded::new(user.name.as_str()),
        Folded::new(user.email.as_str()),
    );
    let has = |word: &Word| {
        let is_in = |text: &Folded| {
            let plain = without_diacritics(text.as_str()).filter(|_| word.is_plain());
            text.as_str().contains(word.folded())
                || plain.is_some_and(|plain| plain.contains(word.folded()))
        };
        let stored = word.stored();
        is_in(&name) || is_in(&email) || stored.is_some_and(|word| email.as_str().contains(word))
    };
    let search = query.search.as_deref().map(Search::new);
    search.is_none_or(|search| search.words().iter().all(has))
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
