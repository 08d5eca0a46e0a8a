//! `x-access`: who may call each operation.

use std::{fs, iter};

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::{
    contract::{NOBODY, Operation, contract},
    people::Person,
    support::{ADMIN, PASSWORD, Roster, on_shared_stack, template},
};

/// Who knocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    /// Somebody without a token.
    Nobody,
    /// Somebody with a token of their own making.
    Forger,
    /// Bob, who wants something of Ann.
    Stranger,
    /// Ann.
    Owner,
    /// The administrator, who wants something of Ann.
    Admin,
}

/// What those get who may not. Where no user is in the path, everybody is the owner.
fn refusal(operation: &Operation, who: Who) -> Option<(u16, &'static str)> {
    let forbidden = Some((403, "forbidden"));
    let is_about_ann = operation.path.contains("{id}");
    match (operation.access(), who) {
        ("anyone", _) | ("anyone-or-caller", Who::Nobody) => None,
        (_, Who::Nobody | Who::Forger) => Some((401, "unauthenticated")),
        ("owner", Who::Admin) | ("owner" | "owner-or-admin", Who::Stranger) if is_about_ann => {
            forbidden
        }
        ("anyone-or-caller" | "caller" | "owner" | "owner-or-admin", _) => None,
        ("admin", _) => forbidden.filter(|_| who != Who::Admin),
        (other, _) => panic!("{}: nobody knows the x-access {other}", operation.id),
    }
}

/// A request that would do something.
fn earnest(roster: &Roster, operation: &Operation, id: &str) -> RequestBuilder {
    let request = roster.request(operation.method.clone(), &operation.path_about(id));
    match operation.example("own") {
        Some(body) => request.json(body),
        None => request,
    }
}

/// A request that does nothing, whoever sends it: an empty body, or a version that is not there.
fn idle(roster: &Roster, operation: &Operation, id: &str) -> RequestBuilder {
    let mut request = roster.request(operation.method.clone(), &operation.path_about(id));
    if operation.example("own").is_some() {
        request = request.json(&json!({}));
    }
    if operation.takes("If-Match") {
        request = request.header("if-match", "\"999\"");
    }
    request
}

/// Has somebody knock at an operation, once for each user it can be about.
async fn knock(roster: &Roster, operation: &Operation, who: Who, token: &str, ann: &Person) {
    let ids = match who {
        Who::Nobody | Who::Forger | Who::Stranger => &[&ann.id, NOBODY, "nonsense"][..],
        Who::Owner => &["me", &ann.id],
        Who::Admin => &[&*ann.id],
    };
    let count = if operation.path.contains("{id}") {
        ids.len()
    } else {
        1
    };
    let refusal = refusal(operation, who);
    for id in &ids[..count] {
        let request = match refusal {
            Some(_) => earnest(roster, operation, id),
            None => idle(roster, operation, id),
        };
        let answer = match who {
            Who::Nobody => roster.send(request).await,
            _ => roster.send(request.bearer_auth(token)).await,
        };
        let what = format!("{who:?} at {} about {id}", operation.id);
        match refusal {
            Some(refusal) => assert_eq!(answer.problem(), refusal, "{what}"),
            None => assert!(
                ![401, 403].contains(&answer.problem().0),
                "{what}: {answer:?}"
            ),
        }
    }
}

#[test]
fn whoever_may_call_may_and_nobody_else_learns_or_changes_anything() {
    on_shared_stack(async |roster| {
        let ann = roster.newcomer("owner").await;
        let bob = roster.newcomer("stranger").await;
        // One operation ends the session, which is the other tests' too if it is not a new one.
        let admin = roster.token(ADMIN, PASSWORD).await;
        for operation in &contract().operations {
            for (who, token) in [
                (Who::Nobody, ""),
                (Who::Forger, "nonsense"),
                (Who::Stranger, &bob.token),
                (Who::Owner, &ann.token),
                (Who::Admin, &admin),
            ] {
                knock(roster, operation, who, token, &ann).await;
            }
        }
        let me = roster.call("GET /users/me", &ann.token, &Value::Null).await;
        assert_eq!(me.header("etag"), Some("\"1\""), "nothing changed");
    });
}

/// The document says of each operation what its function says.
#[test]
fn what_is_documented_is_what_the_function_says() {
    on_shared_stack(async |roster| {
        let model = &roster.stack.model;
        for operation in &contract().operations {
            let route = model.routes.iter().find(|route| {
                let (method, path) = (operation.method.as_str(), operation.path.as_str());
                route.method.as_deref() == Some(method) && route.path.as_deref() == Some(path)
            });
            let binary = &model.functions[&route.unwrap().function].binary;
            assert_eq!(
                operation.access(),
                access_in_source(binary),
                "{}",
                operation.id
            );
            let tokens = match operation.access() {
                "anyone" => json!([]),
                "anyone-or-caller" => json!([{}, {"bearer": []}]),
                _ => json!([{"bearer": []}]),
            };
            assert_eq!(operation.written["security"], tokens, "{}", operation.id);
        }
    });
}

/// The `ACCESS` of a function's handler, as the document spells it.
fn access_in_source(binary: &str) -> String {
    let file = format!("functions/{binary}/src/handler.rs");
    let source = fs::read_to_string(template().with_file_name(&file)).unwrap();
    let lines = source.lines();
    let constants: Vec<_> = lines
        .filter_map(|line| line.strip_prefix("pub const ACCESS: Access = Access::"))
        .collect();
    let [constant] = constants[..] else {
        panic!("{file} should say ACCESS once");
    };
    let letters = constant.trim_end_matches(';').chars().enumerate();
    let kebab = letters.flat_map(|(index, letter)| {
        let hyphen = (index > 0 && letter.is_uppercase()).then_some('-');
        hyphen
            .into_iter()
            .chain(iter::once(letter.to_ascii_lowercase()))
    });
    kebab.collect()
}
