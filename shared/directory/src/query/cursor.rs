//! Cursors: places in an order of users that stay where they are while users come and go.

use std::{cmp::Ordering, fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Timestamp, UserId, error::Violation, user::Profile};
use uuid::Uuid;

use super::{Sort, SortKey, fold::Folded};

/// A place in an order, given by the sort key and the id of a user, and a side of that place.
///
/// The user need not exist any more. A walk by cursors sees each user exactly once whose sort key does
/// not change meanwhile; a user whose key changes may move past the walk, so walks that must be
/// complete sort by `createdAt`, which never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The order.
    pub sort: Sort,
    /// The sort key there.
    pub key: Key,
    pub id: UserId,
    /// True if the page follows the place, false if it leads up to it.
    pub forward: bool,
    /// True if a user exactly there is on the page.
    pub inclusive: bool,
}

/// A value of a sort key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// Of `createdAt` or `updatedAt`.
    Time(Timestamp),
    /// Of `name` or `email`.
    Text(Folded),
}

impl Key {
    pub fn of(user: &Profile, key: SortKey) -> Self {
        match key {
            SortKey::CreatedAt => Self::Time(user.created_at),
            SortKey::UpdatedAt => Self::Time(user.updated_at),
            SortKey::Name => Self::Text(Folded::new(user.name.as_str())),
            SortKey::Email => Self::Text(Folded::new(user.email.as_str())),
        }
    }
}

impl Cursor {
    /// The place of `user`, who is not on the page.
    pub fn beside(user: &Profile, sort: Sort, forward: bool) -> Self {
        Self {
            sort,
            key: Key::of(user, sort.key),
            id: user.id,
            forward,
            inclusive: false,
        }
    }

    /// The other side of the same place.
    #[must_use]
    pub fn turned(&self) -> Self {
        Self {
            forward: !self.forward,
            inclusive: !self.inclusive,
            ..self.clone()
        }
    }

    /// True if the page is on the ascending side of the place.
    pub fn ascends(&self) -> bool {
        self.forward != self.sort.descending
    }

    /// True if a user is on this side of the place, given how user and place compare, ascending.
    pub fn admits(&self, user_to_place: Ordering) -> bool {
        match user_to_place {
            Ordering::Equal => self.inclusive,
            Ordering::Greater => self.ascends(),
            Ordering::Less => !self.ascends(),
        }
    }
}

/// The number of the layout, which a later layout must not have.
const LAYOUT: u8 = 1;

const DESCENDING: u8 = 1;
const FORWARD: u8 = 2;
const INCLUSIVE: u8 = 4;
const KEY_SHIFT: u32 = 3;

/// Characters a cursor may have. A name has 100 characters, a character 4 bytes, folding makes at
/// most three of one, and base64 four of three.
pub const MAX_CURSOR_CHARS: usize = 2048;

/// Base64url of: layout, flags and sort key, id, key.
impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.sort.key {
            SortKey::CreatedAt => 0,
            SortKey::UpdatedAt => 1,
            SortKey::Name => 2,
            SortKey::Email => 3,
        };
        let flag = |on: bool, flag: u8| if on { flag } else { 0 };
        let flags = flag(self.sort.descending, DESCENDING)
            | flag(self.forward, FORWARD)
            | flag(self.inclusive, INCLUSIVE)
            | kind << KEY_SHIFT;
        let mut bytes = vec![LAYOUT, flags];
        bytes.extend_from_slice(self.id.as_uuid().as_bytes());
        match &self.key {
            Key::Time(time) => bytes.extend_from_slice(&time.as_micros().to_be_bytes()),
            Key::Text(text) => bytes.extend_from_slice(text.as_str().as_bytes()),
        }
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for Cursor {
    type Err = Violation;

    fn from_str(raw: &str) -> Result<Self, Violation> {
        let bytes = Some(raw)
            .filter(|raw| raw.len() <= MAX_CURSOR_CHARS)
            .and_then(|raw| URL_SAFE_NO_PAD.decode(raw).ok());
        bytes
            .and_then(|bytes| decode(&bytes))
            .ok_or_else(|| Violation::new("invalid-cursor", "is not a cursor this service gave"))
    }
}

fn decode(bytes: &[u8]) -> Option<Cursor> {
    let (&[LAYOUT, flags], rest) = bytes.split_first_chunk()? else {
        return None;
    };
    let (id, key) = rest.split_first_chunk()?;
    let sort_key = match flags >> KEY_SHIFT {
        0 => SortKey::CreatedAt,
        1 => SortKey::UpdatedAt,
        2 => SortKey::Name,
        3 => SortKey::Email,
        _ => return None,
    };
    let key = match sort_key {
        SortKey::CreatedAt | SortKey::UpdatedAt => {
            let micros = i64::from_be_bytes(key.try_into().ok()?);
            let time = Timestamp::from_micros(micros);
            // A time out of range has been moved into it.
            Key::Time(Some(time).filter(|time| time.as_micros() == micros)?)
        }
        SortKey::Name | SortKey::Email => {
            let text = std::str::from_utf8(key).ok()?;
            Key::Text(Some(Folded::new(text)).filter(|folded| folded.as_str() == text)?)
        }
    };
    Some(Cursor {
        sort: Sort {
            key: sort_key,
            descending: flags & DESCENDING != 0,
        },
        key,
        id: UserId::from(Uuid::from_bytes(*id)),
        forward: flags & FORWARD != 0,
        inclusive: flags & INCLUSIVE != 0,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cursors() -> impl Strategy<Value = Cursor> {
        let text = "\\PC{0,20}".prop_map(|text| Key::Text(Folded::new(&text)));
        let time = (0..253_402_207_200_000_000_i64)
            .prop_map(|micros| Key::Time(Timestamp::from_micros(micros)));
        let key = prop_oneof![
            (Just(SortKey::CreatedAt), time.clone()),
            (Just(SortKey::UpdatedAt), time),
            (Just(SortKey::Name), text.clone()),
            (Just(SortKey::Email), text),
        ];
        (key, any::<[u8; 16]>(), any::<[bool; 3]>()).prop_map(
            |((key, value), id, [descending, forward, inclusive])| Cursor {
                sort: Sort { key, descending },
                key: value,
                id: UserId::from(Uuid::from_bytes(id)),
                forward,
                inclusive,
            },
        )
    }

    proptest! {
        #[test]
        fn a_cursor_has_one_text(cursor in cursors()) {
            let text = cursor.to_string();
            prop_assert!(text.len() <= MAX_CURSOR_CHARS);
            prop_assert_eq!(text.parse(), Ok(cursor));
        }

        #[test]
        fn no_text_panics(text in "[A-Za-z0-9_-]{0,60}") {
            if let Ok(cursor) = text.parse::<Cursor>() {
                prop_assert_eq!(cursor.to_string(), text);
            }
        }

        #[test]
        fn a_user_is_on_one_side(cursor in cursors(), order in -1..=1_i32) {
            let order = order.cmp(&0);
            prop_assert_ne!(cursor.admits(order), cursor.turned().admits(order));
        }
    }

    #[test]
    fn the_longest_name_fits() {
        let cursor = Cursor {
            sort: Sort {
                key: SortKey::Name,
                descending: false,
            },
            key: Key::Text(Folded::new(&"\u{390}".repeat(100))),
            id: UserId::from(Uuid::nil()),
            forward: true,
            inclusive: false,
        };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
    }
}
