//! What every operation that takes a body, a parameter, a version or an id has in common.

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::{
    contract::{NOBODY, Operation, contract},
    people::Person,
    support::{Roster, on_own_stack, on_shared_stack},
};

/// A request by somebody who may call: the administrator about Ann, or else Ann about herself.
async fn request(roster: &Roster, operation: &Operation, ann: &Person) -> RequestBuilder {
    request_with(roster, operation, ann, "").await
}

/// The same with a query.
async fn request_with(
    roster: &Roster,
    operation: &Operation,
    ann: &Person,
    query: &str,
) -> RequestBuilder {
    let (id, token) = match operation.access() {
        "anyone" | "anyone-or-caller" => ("", None),
        "admin" | "support" | "reader" | "service-or-admin" | "own-service-or-admin" => {
            (&*ann.id, Some(roster.admin().await))
        }
        _ => ("me", Some(ann.token.clone())),
    };
    let path = operation.path_about(id) + query;
    let request = roster.request(operation.method.clone(), &path);
    match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    }
}

fn with_body(request: RequestBuilder, body: Option<&Value>) -> RequestBuilder {
    match body {
        Some(body) => request.json(body),
        None => request,
    }
}

#[test]
fn what_is_no_json_object_of_known_fields_is_refused() {
    let too_large = " ".repeat(65 * 1024);
    on_shared_stack(async |roster| {
        let ann = roster.newcomer("body").await;
        for operation in &contract().operations {
            if operation.example("").is_none() {
                continue;
            }
            for (kind, body, problem) in [
                ("application/json", "{\"email\":", (400, "malformed")),
                ("application/json", "7", (400, "malformed")),
                ("application/json", "\u{feff}{}\u{0}", (400, "malformed")),
                (
                    "application/json",
                    r#"{"a": 1, "a": 2}"#,
                    (400, "malformed"),
                ),
                (
                    "application/json",
                    r#"{"a": [{"b": 1, "b": 1}]}"#,
                    (400, "malformed"),
                ),
                ("application/json", &too_large, (413, "too-large")),
                ("text/plain", "{}", (415, "unsupported-media-type")),
                ("application/json", "{\"colour\": 1}", (422, "invalid")),
            ] {
                let request = request(roster, operation, &ann).await;
                let request = request.header("content-type", kind).body(body.to_owned());
                let answer = roster.send(request).await;
                let start = &body[..body.len().min(10)];
                assert_eq!(answer.problem(), problem, "{} {kind} {start}", operation.id);
            }
        }
    });
}

#[test]
fn a_compressed_body_is_refused_as_such() {
    on_shared_stack(async |roster| {
        let ann = roster.newcomer("coding").await;
        let operations = contract().operations.iter();
        for operation in operations.filter(|operation| operation.example("").is_some()) {
            for coding in ["gzip", "identity, br"] {
                let request = request(roster, operation, &ann).await;
                let request = request.header("content-type", "application/json");
                let request = request.header("content-encoding", coding);
                let answer = roster.send(request.body(b"\x1f\x8b\x08".to_vec())).await;
                assert_eq!(
                    answer.problem(),
                    (415, "unsupported-media-type"),
                    "{}",
                    operation.id
                );
                assert_eq!(answer.header("accept-encoding"), Some("identity"));
            }
        }
    });
}

/// A header that was taken for one that was not sent would make a caller nobody, and a condition none.
#[test]
fn a_header_that_decides_and_is_not_ascii_is_refused() {
    on_shared_stack(async |roster| {
        let ann = roster.newcomer("header").await;
        for operation in &contract().operations {
            for name in [
                "authorization",
                "content-encoding",
                "content-type",
                "if-match",
                "if-none-match",
                "idempotency-key",
            ] {
                let path = operation.path_about(&ann.id);
                let request = roster.request(operation.method.clone(), &path);
                let request = request.header(name, "Bearer café".as_bytes());
                let answer = roster.send(request).await;
                assert_eq!(
                    answer.problem(),
                    (400, "malformed"),
                    "{} {name}",
                    operation.id
                );
            }
        }
        let request = roster
            .request(Method::GET, "/users/me")
            .bearer_auth(&ann.token);
        let harmless = request.header("user-agent", "café".as_bytes());
        assert_eq!(roster.send(harmless).await.status, 200);
    });
}

#[test]
fn what_answers_get_answers_head_without_the_body() {
    on_shared_stack(async |roster| {
        let ann = roster.newcomer("head").await;
        let operations = contract().operations.iter();
        for operation in operations.filter(|operation| operation.method == Method::GET) {
            let get = roster.send(request(roster, operation, &ann).await).await;
            let mut head = request(roster, operation, &ann).await.build().unwrap();
            *head.method_mut() = Method::HEAD;
            let head = roster.execute(head).await;
            assert_eq!(head.status, get.status, "{}", operation.id);
            for name in ["content-type", "etag", "cache-control", "link"] {
                let both = (head.headers.get(name), get.headers.get(name));
                // A link has a place in a list that may have moved.
                assert_eq!(
                    both.0.is_some(),
                    both.1.is_some(),
                    "{} {name}",
                    operation.id
                );
            }
            assert!(
                head.headers.contains_key("x-request-id"),
                "{}",
                operation.id
            );
        }
        let no_get = roster.send(roster.request(Method::HEAD, "/sessions")).await;
        assert_eq!(no_get.status, 405);
    });
}

#[test]
fn who_has_the_version_is_not_sent_it_again() {
    on_shared_stack(async |roster| {
        let ann = roster.newcomer("etag").await;
        let get = async |tags: &str| {
            let request = roster.request(Method::GET, "/users/me");
            let request = request
                .bearer_auth(&ann.token)
                .header("if-none-match", tags);
            roster.send(request).await
        };
        let first = get("\"999\"").await;
        assert_eq!(first.status, 200);
        let tag = first.header("etag").unwrap();
        let again = get(&format!("\"999\", W/{tag}")).await;
        assert_eq!((again.status.as_u16(), &again.body), (304, &Value::Null));
        assert_eq!(again.header("etag"), Some(tag));
        assert_eq!(get("*").await.status, 304);
        let zero = format!("\"0{}", &tag[1..]);
        assert_eq!(get(&zero).await.status, 200);
    });
}

#[test]
fn an_id_is_read_in_either_letter_case() {
    on_shared_stack(async |roster| {
        let ann = roster.newcomer("case").await;
        let path = format!("/users/{}", ann.id.to_uppercase());
        let request = roster.request(Method::GET, &path).bearer_auth(&ann.token);
        let answer = roster.send(request).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.body["id"]),
            (200, &ann.id.clone().into())
        );
    });
}

#[test]
fn an_unknown_parameter_is_refused_where_there_are_any() {
    on_shared_stack(async |roster| {
        let ann = roster.newcomer("parameter").await;
        for operation in &contract().operations {
            let mut parameters = operation.parameters.iter();
            if parameters.any(|parameter| parameter["in"] == "query") {
                let request = request_with(roster, operation, &ann, "?colour=red").await;
                let answer = roster.send(request).await;
                assert_eq!(answer.problem(), (422, "invalid"), "{}", operation.id);
            }
        }
    });
}

#[test]
fn nothing_is_done_to_another_version() {
    on_shared_stack(async |roster| {
        let ann = roster.newcomer("version").await;
        for operation in &contract().operations {
            if operation.takes("If-Match") {
                let request = request(roster, operation, &ann).await;
                let request = with_body(request, operation.example("own"));
                for tag in ["\"999\"", "\"01\"", "\"+1\""] {
                    let request = request.try_clone().unwrap();
                    let answer = roster.send(request.header("if-match", tag)).await;
                    let refused = (412, "precondition-failed");
                    assert_eq!(answer.problem(), refused, "{} {tag}", operation.id);
                }
            }
        }
    });
}

#[test]
fn administrators_are_told_who_is_not_there() {
    on_shared_stack(async |roster| {
        for operation in &contract().operations {
            let is_for_admins = operation.is_for_admins();
            if !is_for_admins || !operation.path.contains("{id}") {
                continue;
            }
            for id in [NOBODY, "nonsense"] {
                let path = operation.path_about(id);
                let request = roster.request(operation.method.clone(), &path);
                let request = with_body(request, operation.example("anothers"));
                let answer = roster.send(request.bearer_auth(roster.admin().await)).await;
                assert_eq!(
                    answer.problem(),
                    (404, "not-found"),
                    "{} {id}",
                    operation.id
                );
            }
        }
    });
}

/// A process may remember for a while who may call; whom the call is about it looks up.
#[test]
fn who_was_erased_is_not_there_even_for_a_process_that_remembers() {
    on_own_stack(&[("AccessLagSeconds", "60")], async |roster| {
        let ann = roster.newcomer("erased").await;
        let own = contract().operations.iter();
        let own: Vec<_> = own.filter(|each| each.access() == "owner").collect();
        for operation in &own {
            let seen = roster.send(request(roster, operation, &ann).await).await;
            assert_ne!(seen.problem().0, 401, "{}", operation.id);
        }
        let erased = roster
            .call("DELETE /users/me", &ann.token, &Value::Null)
            .await;
        assert_eq!(erased.status, 204);
        for operation in &own {
            let request = request(roster, operation, &ann).await;
            let answer = roster
                .send(with_body(request, operation.example("own")))
                .await;
            // Where more than a token is demanded, the caller is looked up too.
            let looks = operation.recent().is_some() || operation.is_repeatable();
            let expected = if looks {
                (401, "unauthenticated")
            } else {
                (404, "not-found")
            };
            assert_eq!(answer.problem(), expected, "{}", operation.id);
        }
    });
}
