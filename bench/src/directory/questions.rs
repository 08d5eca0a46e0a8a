//! What is asked.

use shared::domain::{
    Specification,
    error::Violation,
    listing::{Listing, Position},
};

/// A question and how the table calls it.
pub(crate) struct Question {
    pub(crate) name: &'static str,
    pub(crate) listing: Listing,
}

/// The questions to a directory of `count` users.
pub(crate) fn all(count: u32) -> anyhow::Result<Vec<Question>> {
    let plain = Listing::default();
    let search = |text: &str| Listing {
        search: Some(text.to_owned()),
        ..plain.clone()
    };
    let question = |name, listing| Question { name, listing };
    Ok(vec![
        question("page 1", plain.clone()),
        question(
            "page in the middle",
            Listing {
                position: Position::Page((count / plain.limit / 2).max(1)),
                ..plain.clone()
            },
        ),
        question("selective search", search("mcdonald7")),
        question("dense search", search("a")),
        question(
            "filter with not",
            Listing {
                filter: Some(specification(
                    r#"not (name co "a") and not (active eq false)"#,
                )?),
                ..plain
            },
        ),
    ])
}

fn specification(text: &str) -> anyhow::Result<Specification> {
    text.parse()
        .map_err(|violation: Violation| anyhow::anyhow!("{text}: {}", violation.message))
}
