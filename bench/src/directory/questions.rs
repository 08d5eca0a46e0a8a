//! What is asked.

use shared::{
    directory::{
        Specification,
        query::{Position, Sort, SortKey, UserQuery},
    },
    domain::error::Violation,
};

/// A question, how the table calls it, and what it is in SQL.
pub(crate) struct Question {
    pub(crate) name: &'static str,
    pub(crate) query: UserQuery,
    pub(crate) condition: &'static str,
    pub(crate) order: &'static str,
}

impl Question {
    /// Users before the page.
    pub(crate) fn offset(&self) -> u64 {
        self.query.offset().unwrap_or_default()
    }
}

/// The questions to a directory of `count` users.
pub(crate) fn all(count: u32) -> anyhow::Result<Vec<Question>> {
    let plain = UserQuery::default();
    let search = |text: &str| UserQuery {
        search: Some(text.to_owned()),
        ..plain.clone()
    };
    let question = |name, query, condition| Question {
        name,
        query,
        condition,
        order: "created DESC, id DESC",
    };
    let middle = Position::Page((count / plain.limit / 2).max(1));
    let by_name = Sort {
        key: SortKey::Name,
        descending: false,
    };
    let filter = specification(r#"not (name co "a") and not (active eq false)"#)?;
    Ok(vec![
        question("page 1", plain.clone(), "true"),
        question(
            "page in the middle",
            UserQuery {
                position: middle,
                ..plain.clone()
            },
            "true",
        ),
        Question {
            order: "name COLLATE NOCASE, id",
            ..question(
                "page 1 by name",
                UserQuery {
                    sort: by_name,
                    ..plain.clone()
                },
                "true",
            )
        },
        question(
            "selective search: `mcdonald7`",
            search("mcdonald7"),
            "name LIKE '%mcdonald7%' OR email LIKE '%mcdonald7%'",
        ),
        question(
            "dense search: `a`",
            search("a"),
            "name LIKE '%a%' OR name LIKE '%á%' OR email LIKE '%a%'",
        ),
        question(
            "two words: `zhang zoe`",
            search("zhang zoe"),
            "(name LIKE '%zhang%' OR email LIKE '%zhang%') \
             AND (name LIKE '%zoe%' OR name LIKE '%zoë%' OR email LIKE '%zoe%')",
        ),
        question(
            "two dense words: `a e`",
            search("a e"),
            "(name LIKE '%a%' OR name LIKE '%á%' OR email LIKE '%a%') \
             AND (name LIKE '%e%' OR name LIKE '%é%' OR name LIKE '%ë%' OR email LIKE '%e%')",
        ),
        question(
            "filter with not",
            UserQuery {
                filter: Some(filter),
                ..plain
            },
            "NOT (name LIKE '%a%') AND NOT (active = 0)",
        ),
    ])
}

fn specification(text: &str) -> anyhow::Result<Specification> {
    text.parse()
        .map_err(|violation: Violation| anyhow::anyhow!("{text}: {}", violation.message))
}
