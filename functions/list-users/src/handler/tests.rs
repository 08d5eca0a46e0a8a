use shared::directory::query::{Cursor, Sort};
use testing::{Answer, Endpoint, Fixture, TestRequest, Value, json};

use super::*;
use crate::query::tests::user;

fn endpoint() -> Endpoint {
    Endpoint::new(ACCESS, handle, |backend| ListUsers {
        directory: backend.clone(),
    })
}

/// The users Admin, Ann and Bob, as the administrator lists them.
async fn list(fixture: &Fixture, query: &str) -> Answer {
    let request = TestRequest::new("GET", "/users").query(query);
    let request = request.bearer(&fixture.admin.token);
    endpoint().answer(&fixture.backend, request).await
}

#[tokio::test]
async fn a_page_says_where_it_stands() {
    let fixture = Fixture::new().await;
    let answer = list(&fixture, "page=1&limit=2&sort=name").await;
    assert_eq!(answer.status, 200);
    let body = &answer.body;
    assert_eq!(body["data"][0]["name"], "Admin");
    assert_eq!(body["pagination"]["total"], 3);
    assert_eq!(body["pagination"]["pages"], 2);
    let next = body["pagination"]["next"].as_str().unwrap();
    let links = answer.header("link").unwrap();
    assert!(links.starts_with(&format!("<{next}>; rel=\"next\"")));
    let body = list(&fixture, next.split_once('?').unwrap().1).await.body;
    assert_eq!(body["data"][0]["name"], "Bob");
    assert_eq!(body["pagination"]["next"], Value::Null);
}

#[tokio::test]
async fn only_administrators_see_it() {
    let fixture = Fixture::new().await;
    let request = || TestRequest::new("GET", "/users");
    for (request, status) in [
        (request(), 401),
        (request().bearer(&fixture.ann.token), 403),
    ] {
        let answer = endpoint().answer(&fixture.backend, request).await;
        assert_eq!(answer.status, status);
    }
}

fn body(given: &str, page: UserPage) -> Body {
    let query = query::tests::parse_query(given).unwrap();
    let link = |position| query::link("/users", None, &query, &position);
    Body::new(&query, page, link)
}

#[test]
fn links_are_of_the_kind_the_caller_uses() {
    let page = |next: bool, previous: bool| UserPage {
        users: vec![user(1)],
        total: 25,
        next: next.then(|| Cursor::beside(&user(1), Sort::default(), true)),
        previous: previous.then(|| Cursor::beside(&user(1), Sort::default(), false)),
    };

    let first = body("search=a%26b", page(true, false));
    let next = first.pagination.next.clone().unwrap();
    assert!(next.starts_with("/users?search=a%26b&cursor="), "{next}");
    assert_eq!(
        (first.pagination.page, first.pagination.pages),
        (Some(1), 3)
    );

    let second = body("page=2&sort=name", page(true, true));
    assert_eq!(
        second.pagination.next.as_deref(),
        Some("/users?page=3&sort=name")
    );
    assert_eq!(
        second.pagination.previous.as_deref(),
        Some("/users?page=1&sort=name")
    );

    let beyond = body(
        "page=9",
        UserPage {
            users: Vec::new(),
            ..page(false, false)
        },
    )
    .pagination;
    assert_eq!((beyond.page, beyond.total, beyond.pages), (Some(9), 25, 3));
    assert_eq!(
        (beyond.next, beyond.previous.as_deref()),
        (None, Some("/users?page=3"))
    );

    let walked = body(next.split_once('?').unwrap().1, page(false, true));
    assert_eq!((walked.pagination.page, walked.pagination.pages), (None, 3));
    assert_eq!(walked.pagination.next, None);
    assert!(walked.pagination.previous.is_some());
}

#[test]
fn no_users_make_no_pages() {
    let none = UserPage {
        users: Vec::new(),
        total: 0,
        next: None,
        previous: None,
    };
    let body = body("page=1", none);
    assert_eq!(
        serde_json::to_value(&body).unwrap(),
        json!({
            "data": [],
            "pagination": {
                "page": 1, "limit": 10, "total": 0, "pages": 0, "next": null, "previous": null,
            },
        })
    );
}
