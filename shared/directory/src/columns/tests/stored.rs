//! Stored values which today's rules refuse.

use domain::{Email, Name};

use super::*;

#[test]
fn a_stored_name_that_is_refused_today_is_listed_and_found() {
    let mut columns = Columns::new();
    let FeedRow::Present(user) = named(0, "Ann") else {
        unreachable!()
    };
    let stored = Profile {
        name: Name::stored("Bob\n\u{202e}SAM".to_owned()),
        email: Email::stored("No Address".to_owned()),
        ..user
    };
    columns.upsert(&FeedRow::Present(stored.clone())).unwrap();
    assert_eq!(columns.list(&UserQuery::default()).users, [stored]);
    assert_eq!(search(&mut columns, "\u{202e}sam"), 1);
    assert_eq!(search(&mut columns, "no address"), 1);
}

#[test]
fn a_user_the_columns_cannot_hold_is_left_out_and_hides_no_other() {
    let mut columns = Columns::new();
    columns.upsert(&named(0, "Ann")).unwrap();
    let FeedRow::Present(user) = named(1, "Bob") else {
        unreachable!()
    };
    for poison in [
        Profile {
            name: Name::stored("a".repeat(70_000)),
            ..user.clone()
        },
        Profile {
            email: Email::stored("\u{390}".repeat(251)),
            ..user.clone()
        },
        Profile {
            version: Version::from(u64::from(u32::MAX) + 1),
            ..user.clone()
        },
    ] {
        assert!(!columns.upsert(&FeedRow::Present(poison)).unwrap());
    }
    assert_eq!(columns.len(), 1);
    assert!(columns.upsert(&FeedRow::Present(user)).unwrap());
}

proptest! {
    #[test]
    fn the_cursor_of_every_text_the_columns_hold_is_accepted(text in "\\PC{0,500}|[\u{390}\u{1f82}\u{1d160}]{0,250}") {
        let FeedRow::Present(user) = named(0, "Ann") else { unreachable!() };
        let user = Profile { name: Name::stored(text), ..user };
        if Rows::fits(&user) {
            let sort = Sort { key: SortKey::Name, descending: false };
            let cursor = Cursor::beside(&user, sort, true);
            prop_assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
    }
}
