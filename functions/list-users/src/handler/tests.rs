use serde_json::Value;
use shared::{
    application::ports::UserRepository as _,
    directory::query::{Cursor, Sort},
    domain::{Origin, PasswordHash, Roles, User, UserId, user::NewUser},
    lambda::http::{Authenticator, answer, header},
};
use testing::{FakeBackend, sample::Sample};

use super::*;
use crate::query::tests::user;

async fn backend_with(users: &[&str]) -> Arc<FakeBackend> {
    let backend = FakeBackend::new();
    for (number, name) in (0..).zip(users) {
        let metadata = backend.env().metadata(Origin::system("test")).unwrap();
        let new = NewUser {
            id: UserId::new(metadata.now, [number; 10]),
            email: format!("{}@example.com", name.to_lowercase())
                .parse()
                .unwrap(),
            name: name.parse().unwrap(),
            password: PasswordHash::from_phc("hash"),
            roles: Roles::new(),
        };
        backend.commit(&User::create(new, &metadata)).await.unwrap();
    }
    backend
}

/// Without authentication, which has its own test below.
async fn list(backend: &Arc<FakeBackend>, query: &str) -> (u16, Option<String>, Value) {
    let list = Arc::new(ListUsers {
        directory: backend.clone(),
    });
    let request = Sample::new("GET", "/users")
        .query(query)
        .into_request()
        .unwrap();
    let response = answer(
        Access::Anyone,
        &Authenticator::open(""),
        list,
        &handle,
        request,
    )
    .await;
    let links = response.headers().get(header::LINK);
    (
        response.status().as_u16(),
        links.map(|links| links.to_str().unwrap().to_owned()),
        serde_json::from_slice(response.body()).unwrap(),
    )
}

#[tokio::test]
async fn a_page_says_where_it_stands() {
    let backend = backend_with(&["Ann", "Bob", "Cid"]).await;
    let (status, links, body) = list(&backend, "page=1&limit=2&sort=name").await;
    assert_eq!(status, 200);
    assert_eq!(body["data"][0]["name"], "Ann");
    assert_eq!(body["pagination"]["total"], 3);
    assert_eq!(body["pagination"]["pages"], 2);
    let next = body["pagination"]["next"].as_str().unwrap();
    assert!(
        links
            .unwrap()
            .starts_with(&format!("<{next}>; rel=\"next\""))
    );
    let (_, _, body) = list(&backend, next.split_once('?').unwrap().1).await;
    assert_eq!(body["data"][0]["name"], "Cid");
    assert_eq!(body["pagination"]["next"], Value::Null);
}

#[tokio::test]
async fn nobody_without_a_token_sees_it() {
    let list = Arc::new(ListUsers {
        directory: FakeBackend::new(),
    });
    let request = Sample::new("GET", "/users").into_request().unwrap();
    let response = answer(ACCESS, &Authenticator::open(""), list, &handle, request).await;
    assert_eq!(response.status().as_u16(), 401);
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
        serde_json::json!({
            "data": [],
            "pagination": {
                "page": 1, "limit": 10, "total": 0, "pages": 0, "next": null, "previous": null,
            },
        })
    );
}
