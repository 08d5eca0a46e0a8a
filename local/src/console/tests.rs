use std::collections::BTreeMap;

use axum::{
    body::Body,
    extract::Request,
    http::{StatusCode, header},
    response::IntoResponse as _,
};
use futures::StreamExt as _;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;
use crate::{
    Hosts,
    journal::{Happening, Mail},
    testing::send,
};

/// Serves `router` on a free port and gives its address.
async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = format!("http://localhost:{port}");
    tokio::spawn(axum::serve(listener, router).into_future());
    url
}

async fn console(api: String) -> (String, Journal) {
    let journal = Journal::default();
    let route = Route {
        method: Some("POST".to_owned()),
        path: Some("/users".to_owned()),
        function: "CreateUser".to_owned(),
        api: "Api".to_owned(),
    };
    let added = Router::new().route("/added", axum::routing::get(|| async { "added" }));
    let router = router(Console {
        routes: &[route],
        variables: Variables {
            api,
            services: BTreeMap::new(),
            functions: BTreeMap::new(),
        },
        pages: added,
        operations: Router::new(),
        journal: journal.clone(),
        calls: Calls::default(),
        mailboxes: Mailboxes::default(),
    });
    (serve(Hosts::default().guard(router)).await, journal)
}

fn mail(subject: &str, html: Option<&str>) -> Happening {
    Happening::Mail {
        mail: Mail {
            id: "1".to_owned(),
            from: "roster@example.com".to_owned(),
            to: vec!["ada@example.com".to_owned()],
            subject: subject.to_owned(),
            text: Some("Hello".to_owned()),
            html: html.map(str::to_owned),
            headers: std::collections::BTreeMap::new(),
            tags: std::collections::BTreeMap::new(),
        },
    }
}

async fn get(url: String) -> (StatusCode, Value) {
    send(http::Request::get(url).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn each_kind_of_entry_has_its_list() {
    let (url, journal) = console(String::new()).await;
    journal.append(mail("Welcome", None));
    journal.append(Happening::DeadLetter {
        queue: "Failures".to_owned(),
        message: json!({ "x": 1 }),
    });
    journal.append(mail("Reset", None));
    let (_, inbox) = get(format!("{url}/api/inbox")).await;
    assert_eq!(inbox.as_array().unwrap().len(), 2);
    assert_eq!(inbox[0]["mail"]["subject"], "Welcome");
    let (_, later) = get(format!("{url}/api/inbox?after=0")).await;
    assert_eq!(later.as_array().unwrap().len(), 1);
    assert_eq!(later[0]["sequence"], 2);
    let second = later[0]["at"].as_str().unwrap();
    let (_, since) = get(format!("{url}/api/inbox?since={second}")).await;
    assert_eq!(since, later);
    let (status, _) = get(format!("{url}/api/inbox?since=yesterday")).await;
    assert_eq!(status, 400);
    let (_, letters) = get(format!("{url}/api/dead-letters")).await;
    assert_eq!(letters[0]["message"]["x"], 1);
    let (_, events) = get(format!("{url}/api/events")).await;
    assert_eq!(events, json!([]));
    let (_, routes) = get(format!("{url}/api/routes")).await;
    assert_eq!(routes["routes"][0]["function"], "CreateUser");
    assert_eq!(get(format!("{url}/api/calls")).await.1, json!([]));
}

#[tokio::test]
async fn the_html_of_a_mail_is_caged() {
    let (url, journal) = console(String::new()).await;
    journal.append(mail("Welcome", Some("<p>Hi</p>")));
    journal.append(mail("Plain", None));
    let client: Client<_, Body> = Client::builder(TokioExecutor::new()).build_http();
    let uri = format!("{url}/api/inbox/0/html").parse().unwrap();
    let response = client.get(uri).await.unwrap();
    let policy = response.headers()[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap();
    assert!(
        policy.contains("sandbox") && !policy.contains("allow-scripts"),
        "{policy}"
    );
    assert_eq!(get(format!("{url}/api/inbox/1/html")).await.0, 404);
    assert_eq!(get(format!("{url}/api/inbox/9/html")).await.0, 404);
}

#[tokio::test]
async fn the_live_stream_has_what_was_and_what_comes() {
    let (url, journal) = console(String::new()).await;
    journal.append(mail("before", None));
    let client: Client<_, Body> = Client::builder(TokioExecutor::new()).build_http();
    let uri = format!("{url}/api/live").parse().unwrap();
    let response = client.get(uri).await.unwrap();
    let mut chunks = Body::new(response.into_body()).into_data_stream();
    let mut seen = String::new();
    while !seen.contains("before") {
        seen.push_str(&String::from_utf8_lossy(
            &chunks.next().await.unwrap().unwrap(),
        ));
    }
    journal.append(mail("after", None));
    while !seen.contains("after") {
        seen.push_str(&String::from_utf8_lossy(
            &chunks.next().await.unwrap().unwrap(),
        ));
    }
    assert!(seen.contains("id: 1"), "{seen}");
}

#[tokio::test]
async fn the_proxy_passes_method_path_headers_and_body() {
    let echo = Router::new().fallback(|request: Request| async {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let seen = json!({
            "method": parts.method.as_str(),
            "path": parts.uri.to_string(),
            "ifMatch": parts.headers["if-match"].to_str().unwrap(),
            "origin": parts.headers.contains_key("origin"),
            "body": String::from_utf8(body.to_vec()).unwrap(),
        });
        (StatusCode::IM_A_TEAPOT, axum::Json(seen)).into_response()
    });
    let (url, _) = console(serve(echo).await).await;
    let request = http::Request::patch(format!("{url}/proxy/users/1?x=a%20b"))
        .header("if-match", "\"3\"")
        .header("origin", &url)
        .body(Body::from("{}"))
        .unwrap();
    let (status, seen) = send(request).await;
    assert_eq!(status, StatusCode::IM_A_TEAPOT);
    assert_eq!(
        seen,
        json!({ "method": "PATCH", "path": "/users/1?x=a%20b", "ifMatch": "\"3\"", "origin": false, "body": "{}" })
    );
}

#[tokio::test]
async fn pages_have_a_policy_and_other_origins_get_nothing() {
    let (url, _) = console(String::new()).await;
    let client: Client<_, Body> = Client::builder(TokioExecutor::new()).build_http();
    for path in ["/", "/added", "/console.js", "/console.css", "/views.js"] {
        let response = client
            .get(format!("{url}{path}").parse().unwrap())
            .await
            .unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()[header::REFERRER_POLICY], "no-referrer");
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{path}");
    }
    let request = http::Request::get(format!("{url}/api/inbox"))
        .header("origin", "https://example.com")
        .body(Body::empty())
        .unwrap();
    assert_eq!(send(request).await.0, 403);
}

#[tokio::test]
async fn an_address_is_made_to_bounce_and_to_take_mails_again() {
    let (url, _) = console(String::new()).await;
    let choose = async |outcome: &str| {
        let request = http::Request::put(format!("{url}/api/mailboxes/ada@example.com"))
            .header("content-type", "application/json")
            .body(Body::from(json!({ "outcome": outcome }).to_string()));
        send(request.unwrap()).await.0
    };
    for (outcome, chosen) in [
        ("bounce", json!({ "ada@example.com": "bounce" })),
        ("delivery", json!({})),
    ] {
        assert_eq!(choose(outcome).await, StatusCode::NO_CONTENT);
        assert_eq!(get(format!("{url}/api/mailboxes")).await.1, chosen);
    }
    assert_eq!(choose("burn").await, StatusCode::UNPROCESSABLE_ENTITY);
}
