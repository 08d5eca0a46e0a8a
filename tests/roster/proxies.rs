//! Requests by way of proxies that say for whom they ask.

use std::net::IpAddr;

use aws_lc_rs::digest::{SHA256, digest};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Roster, on_own_stack, sign_up_body, unique_email};

const BACK_END: &str = "5f2c0de1a7a94b6f8d0e3c4b5a697887";
const CLOUDFRONT: &str = "0b7e1d2c3f4a5b6c7d8e9fa0b1c2d3e4";

/// The value of `TrustedProxies`.
fn trusted() -> String {
    let hex = |secret: &str| {
        let bytes = digest(&SHA256, secret.as_bytes());
        let bytes = bytes.as_ref().iter();
        bytes.fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
    };
    format!("{},cloudfront:{}", hex(BACK_END), hex(CLOUDFRONT))
}

/// A sign-in with these headers.
async fn sign_in(roster: &Roster, email: &str, password: &str, headers: &[(&str, &str)]) -> Answer {
    let body = json!({"email": email, "password": password});
    let mut request = roster.request(Method::POST, "/sessions").json(&body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    roster.send(request).await
}

/// The headers of a back end that asks for this client.
fn behind(client: &str) -> [(&'static str, &str); 3] {
    [
        ("roster-proxy-secret", BACK_END),
        ("roster-client-address", client),
        ("user-agent", "the client's own"),
    ]
}

async fn sessions(roster: &Roster, signed_in: &Answer) -> Vec<Value> {
    let token = signed_in.body["accessToken"].as_str().unwrap();
    let listed = roster.call("GET /users/me/sessions", token, &Value::Null);
    listed.await.body["data"].as_array().unwrap().clone()
}

#[test]
fn people_behind_one_back_end_have_limits_of_their_own() {
    let trusted = trusted();
    let parameters = [
        ("TrustedProxies", trusted.as_str()),
        ("SignInAttemptsPerSource", "3"),
    ];
    on_own_stack(&parameters, async |roster| {
        let email = unique_email("proxied");
        let request = roster
            .request(Method::POST, "/users")
            .json(&sign_up_body(&email));
        assert_eq!(roster.send(request).await.status, 201);
        for _ in 0..3 {
            let stranger = unique_email("stranger");
            let wrong = sign_in(roster, &stranger, "wrong", &behind("198.51.100.7")).await;
            assert_eq!(wrong.problem(), (401, "invalid-credentials"));
        }
        let locked = sign_in(roster, &email, PASSWORD, &behind("198.51.100.7")).await;
        assert_eq!(locked.problem(), (429, "too-many-requests"));
        let other = sign_in(roster, &email, PASSWORD, &behind("2001:db8::1")).await;
        assert_eq!(other.status, 201, "{:?}", other.body);

        let listed = sessions(roster, &other).await;
        let current = listed
            .iter()
            .find(|session| session["current"] == true)
            .unwrap();
        assert_eq!(current["sourceAddress"], "2001:db8::1");
        assert_eq!(current["userAgent"], "the client's own");
    });
}

#[test]
fn a_client_is_named_by_cloudfront_or_under_no_secret_not_at_all() {
    let trusted = trusted();
    on_own_stack(&[("TrustedProxies", &trusted)], async |roster| {
        let email = unique_email("viewer");
        roster.sign_up(&email).await;
        let from = async |headers: &[(&str, &str)]| {
            let answer = sign_in(roster, &email, PASSWORD, headers).await;
            assert_eq!(answer.status, 201, "{headers:?}: {:?}", answer.body);
            let listed = sessions(roster, &answer).await;
            let current = listed.iter().find(|session| session["current"] == true);
            current.unwrap()["sourceAddress"].clone()
        };
        let viewer = ("cloudfront-viewer-address", "198.51.100.7:46532");
        let forged = ("roster-client-address", "203.0.113.9");
        let secret = ("roster-proxy-secret", CLOUDFRONT);
        assert_eq!(from(&[secret, viewer, forged]).await, "198.51.100.7");
        let peer: IpAddr = from(&[viewer, forged])
            .await
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!(peer.is_loopback(), "{peer}");
    });
}

#[test]
fn what_a_proxy_sends_wrong_is_told_at_every_operation() {
    let trusted = trusted();
    on_own_stack(&[("TrustedProxies", &trusted)], async |roster| {
        for (secret, client) in [
            ("wrong", "198.51.100.7"),
            (BACK_END, "198.51.100.7, 198.51.100.8"),
            (CLOUDFRONT, "198.51.100.7"),
        ] {
            let headers = [
                ("roster-proxy-secret", secret),
                ("roster-client-address", client),
            ];
            let refused = sign_in(roster, "ann@example.com", PASSWORD, &headers).await;
            assert_eq!(refused.problem(), (400, "malformed"));
            let mut request = roster.request(Method::GET, "/identity-providers");
            for (name, value) in headers {
                request = request.header(name, value);
            }
            assert_eq!(roster.send(request).await.problem(), (400, "malformed"));
        }
    });
}

/// Also where no proxy is trusted at all: it was forgotten.
#[test]
fn a_proxy_that_nobody_trusts_is_told() {
    on_own_stack(&[], async |roster| {
        let refused = sign_in(roster, "ann@example.com", PASSWORD, &behind("198.51.100.7")).await;
        assert_eq!(refused.problem(), (400, "malformed"));
    });
}
