//! `GET /users`.

use std::collections::BTreeSet;

use reqwest::{StatusCode, Url};
use serde_json::Value;

use crate::support::{Roster, on_own_stack, on_shared_stack, sign_up_body, unique_email};

#[test]
fn pages_hold_every_user_once_and_the_total_is_exact() {
    on_own_stack(&[], async |roster| {
        let mut expected = BTreeSet::from(["admin@example.com".to_owned()]);
        for _ in 0..11 {
            let email = unique_email("page");
            assert_eq!(roster.sign_up(&email).await.status, StatusCode::CREATED);
            expected.insert(email);
        }
        let mut seen = Vec::new();
        for (page, len) in [(1, 5), (2, 5), (3, 2), (4, 0)] {
            let answer = roster
                .get_as_admin(&format!("/users?limit=5&page={page}&sort=email"))
                .await;
            let pagination = &answer.body["pagination"];
            assert_eq!(
                (&pagination["total"], &pagination["pages"]),
                (&12.into(), &3.into()),
                "page {page}"
            );
            let data = answer.body["data"].as_array().unwrap();
            assert_eq!(data.len(), len, "page {page}");
            seen.extend(
                data.iter()
                    .map(|user| user["email"].as_str().unwrap().to_owned()),
            );
        }
        assert_eq!(seen, expected.into_iter().collect::<Vec<_>>());
    });
}

#[test]
fn the_newest_comes_first() {
    on_shared_stack(async |roster| {
        let (older, newer) = (unique_email("order"), unique_email("order"));
        roster.sign_up(&older).await;
        roster.sign_up(&newer).await;
        let answer = roster.get_as_admin("/users?search=ORDER").await;
        let emails: Vec<_> = answer.body["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|user| user["email"].clone())
            .collect();
        assert_eq!(emails, [newer, older]);
    });
}

/// How many users a query finds.
async fn found(roster: &Roster, parameter: &str, text: &str) -> Value {
    let url = Url::parse_with_params("http://localhost/users", [(parameter, text)]).unwrap();
    let path = format!("/users?{}", url.query().unwrap());
    let answer = roster.get_as_admin(&path).await;
    assert_eq!(answer.status, StatusCode::OK, "{text}");
    answer.body["pagination"]["total"].clone()
}

#[test]
fn an_address_is_found_as_people_write_it() {
    on_shared_stack(async |roster| {
        let local = unique_email("umlaut").replace("@example.com", "");
        let email = format!("{local}@bücher.example");
        assert_eq!(roster.sign_up(&email).await.status, StatusCode::CREATED);
        for search in [
            format!("bücher {local}"),
            email.clone(),
            format!("{local}@xn--bcher-kva"),
        ] {
            assert_eq!(found(roster, "search", &search).await, 1, "{search}");
        }
        for filter in [
            format!(r#"email eq "{email}""#),
            format!(r#"userName sw "{local}@bücher""#),
            format!(r#"email co "BÜCHER" and email co "{local}""#),
        ] {
            assert_eq!(found(roster, "filter", &filter).await, 1, "{filter}");
        }
    });
}

#[test]
fn words_are_found_in_any_order_and_without_their_diacritics() {
    on_shared_stack(async |roster| {
        let email = unique_email("words");
        let local = email.replace("@example.com", "");
        let mut body = sign_up_body(&email);
        body["name"] = "Zoë Zhang".into();
        let answer = roster.post("/users", &body).await;
        assert_eq!(answer.status, StatusCode::CREATED);
        for (search, count) in [("zhang zoë", 1), ("ZOE zhang", 1), ("zhäng zoe", 0)] {
            let search = format!("{search} {local}");
            assert_eq!(found(roster, "search", &search).await, count, "{search}");
        }
    });
}

#[test]
fn times_are_asked_for_as_far_as_the_standard_goes() {
    on_shared_stack(async |roster| {
        for filter in [
            r#"createdAt gt "9999-12-31T23:59:59.999999Z""#,
            r#"createdAt lt "0001-01-01T00:00:00Z""#,
        ] {
            assert_eq!(found(roster, "filter", filter).await, 0, "{filter}");
        }
        let audit = roster.get_as_admin("/audit-events?to=9999-12-31T23:59:59Z");
        assert_eq!(audit.await.status, StatusCode::OK);
    });
}

#[test]
fn wrong_parameters_are_named_at_once() {
    on_shared_stack(async |roster| {
        let answer = roster
            .get_as_admin("/users?page=0&limit=101&sort=age&colour=red")
            .await;
        assert_eq!(answer.problem(), (422, "invalid"));
        let errors = answer.body["errors"].as_array().unwrap();
        let named: BTreeSet<_> = errors
            .iter()
            .map(|error| error["pointer"].as_str().unwrap())
            .collect();
        assert_eq!(named, BTreeSet::from(["page", "limit", "sort", "colour"]));
    });
}
