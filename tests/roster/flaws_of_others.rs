//! Flaws that were published of peers, where no other test shows that Roster has none of the kind. The table
//! in `docs/security.md` names each.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{PASSWORD, Roster, on_shared_stack, sign_up_body, unique_email};

/// What a client, or a proxy that is not configured, may claim of where it sent the request.
const CLAIMS: [(&str, &str); 7] = [
    ("forwarded", "host=evil.example;proto=http;for=192.0.2.1"),
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-proto", "http"),
    ("x-original-host", "evil.example"),
    ("x-original-url", "https://evil.example/"),
    ("x-forwarded-server", "evil.example"),
    ("referer", "https://evil.example/reset"),
];

/// What the parameter `AppUrl` is unless another is given.
const APP_URL: &str = "https://example.com";

/// Not by way of the document, which knows none of these headers.
async fn claiming(roster: &Roster, path: &str, body: &Value) -> StatusCode {
    let mut request = roster.request(Method::POST, path).json(body);
    for (name, value) in CLAIMS {
        request = request.header(name, value);
    }
    request.send().await.unwrap().status()
}

/// GHSA-pfrf-9r5f-73f5, GHSA-mwmh-7px9-4c23: the link of a reset led where a header said.
#[test]
fn no_header_says_where_a_mailed_link_leads() {
    on_shared_stack(async |roster| {
        let email = unique_email("linked");
        let made = claiming(roster, "/users", &sign_up_body(&email)).await;
        assert_eq!(made, StatusCode::CREATED);
        let welcome = roster.mail_to(&email).await;
        let asked = claiming(roster, "/password-resets", &json!({"email": email})).await;
        assert_eq!(asked, StatusCode::ACCEPTED);
        let subject = "Choose a new password for Roster";
        let reset = roster.mail_about(&email, subject).await;
        for (mail, page) in [(welcome, "verify"), (reset, "reset")] {
            let text = mail.text.unwrap();
            let link = format!("{APP_URL}/{page}#token=");
            assert!(text.contains(&link), "{text}");
            assert!(
                !format!("{text}{:?}", mail.html).contains("evil.example"),
                "{text}"
            );
        }
    });
}

/// CVE-2026-4629: who may change one thing got the administrator's role by writing it into that.
#[test]
fn nobody_gets_a_role_by_writing_it_into_another_request() {
    on_shared_stack(async |roster| {
        let mut sign_up = sign_up_body(&unique_email("roles"));
        sign_up["roles"] = json!(["admin"]);
        let refused = roster.post("/users", &sign_up).await;
        assert_eq!(refused.problem().0, 422, "{refused:?}");

        let (ann, support) = (
            roster.proven("roles").await,
            roster.colleague("support").await,
        );
        let key = roster.api_key("support").await;
        for (who, route, body) in [
            (
                &ann.token,
                "PATCH /users/me",
                json!({"name": "Ann", "roles": ["admin"]}),
            ),
            (
                &ann.token,
                "PUT /users/me/email",
                json!({"email": unique_email("new"), "currentPassword": PASSWORD, "roles": ["admin"]}),
            ),
            (
                &support.token,
                "POST /users",
                json!({"email": unique_email("invited"), "name": "Bob", "roles": ["admin"]}),
            ),
        ] {
            let refused = roster.call(route, who, &body).await;
            let status = refused.problem().0;
            assert!([400, 403, 422].contains(&status), "{route}: {refused:?}");
        }
        for who in [&ann.token, &support.token, &key.token] {
            let route = format!("PUT /users/{}/roles", ann.id);
            let refused = roster.call(&route, who, &json!({"roles": ["admin"]})).await;
            assert_eq!(refused.problem(), (403, "forbidden"));
        }
        let seen = roster.get_as_admin(&format!("/users/{}", ann.id)).await;
        assert_eq!(seen.body["roles"], json!([]));
    });
}
