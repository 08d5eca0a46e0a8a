//! `GET /users`.

use std::collections::BTreeSet;

use reqwest::StatusCode;

use crate::support::{on_own_stack, on_shared_stack, unique_email};

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
