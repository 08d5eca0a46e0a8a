//! `x-access`: who may call each operation.

use std::fs;

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
    /// Ann, who signed in long ago.
    OldOwner,
    /// The administrator, who wants something of Ann.
    Admin,
    /// The administrator, who signed in long ago.
    OldAdmin,
    /// Users with a role of less power.
    Support,
    OldSupport,
    Reader,
    /// Machines with a key of that role.
    SupportKey,
    ReaderKey,
    ServiceKey,
}

impl Who {
    fn is_old(self) -> bool {
        matches!(self, Self::OldOwner | Self::OldAdmin | Self::OldSupport)
    }

    fn is_machine(self) -> bool {
        matches!(self, Self::SupportKey | Self::ReaderKey | Self::ServiceKey)
    }

    /// Whether a role opens to them what it opens to this one.
    fn is(self, role: &str) -> bool {
        let roles: &[&str] = match self {
            Self::Admin | Self::OldAdmin => &["admin", "support", "reader"],
            Self::Support | Self::OldSupport | Self::SupportKey => &["support", "reader"],
            Self::Reader | Self::ReaderKey => &["reader"],
            _ => &[],
        };
        roles.contains(&role)
    }
}

/// What those get who may not. Where no user is in the path, every user is the owner, and no machine.
fn refusal(operation: &Operation, who: Who) -> Option<(u16, &'static str)> {
    let forbidden = Some((403, "forbidden"));
    let is_about_ann = operation.path.contains("{id}");
    let is_owner = match who {
        Who::Owner | Who::OldOwner => true,
        _ => !who.is_machine() && !is_about_ann,
    };
    let access = operation.access();
    let (base, role) = access.split_once("-or-").unwrap_or((access, access));
    let may = match (base, who) {
        ("anyone", _) if access == "anyone" => return None,
        ("anyone", Who::Nobody) => return None,
        (_, Who::Nobody | Who::Forger) => return Some((401, "unauthenticated")),
        ("anyone", _) => !who.is_machine() || who.is(role),
        ("caller", _) => !who.is_machine(),
        ("owner", _) => is_owner || (who.is(role) && (is_about_ann || !who.is_machine())),
        ("admin" | "support" | "reader", _) => who.is(role),
        // The key is for the service in the path.
        ("service" | "own-service", _) => who == Who::ServiceKey || who.is(role),
        _ => panic!("{}: nobody knows the x-access {access}", operation.id),
    };
    let refused = forbidden.filter(|_| !may);
    refused.or_else(|| is_too_old(operation, who).then_some((401, "recent-sign-in-required")))
}

/// Whether the operation demands a recent sign-in of somebody who may call, and theirs was long ago.
fn is_too_old(operation: &Operation, who: Who) -> bool {
    match operation.recent() {
        None => false,
        Some("recent" | "recent-or-password") => who.is_old(),
        Some("recent-unless-current") => who.is_old() && operation.path.contains("{sid}"),
        Some("recent-by-role") => {
            let access = operation.access();
            let (base, role) = access.split_once("-or-").unwrap_or((access, access));
            let role = if role == "caller" { "admin" } else { role };
            let is_owner = base == "owner" && !operation.path.contains("{id}");
            who.is_old() && who.is(role) && !is_owner
        }
        Some(other) => panic!("{}: nobody knows {other} in x-access", operation.id),
    }
}

/// A request that would do something; without a password where a recent sign-in will do.
fn earnest(roster: &Roster, operation: &Operation, id: &str) -> RequestBuilder {
    let request = roster.request(operation.method.clone(), &operation.path_about(id));
    let example = match operation.recent() {
        Some("recent-or-password") => "recent",
        _ => "own",
    };
    match operation.example(example) {
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
        Who::Owner | Who::OldOwner => &["me", &ann.id],
        _ => &[&*ann.id],
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
        let old_ann = roster.token_of_long_ago(&ann.email).await;
        let admin = roster.token(ADMIN, PASSWORD).await;
        let old_admin = roster.token_of_long_ago(ADMIN).await;
        let support = roster.colleague("support").await;
        let old_support = roster.token_of_long_ago(&support.email).await;
        let reader = roster.colleague("reader").await;
        let key = async |role: &str| roster.api_key(role).await.token;
        let keys = [
            key("support").await,
            key("reader").await,
            key("service").await,
        ];
        let mut operations: Vec<_> = contract().operations.iter().collect();
        // The last one ends the session.
        operations.sort_by_key(|operation| operation.id == "endCurrentSession");
        for operation in operations {
            for (who, token) in [
                (Who::Nobody, ""),
                (Who::Forger, "nonsense"),
                (Who::Stranger, &bob.token),
                (Who::Owner, &ann.token),
                (Who::OldOwner, &old_ann),
                (Who::Admin, &admin),
                (Who::OldAdmin, &old_admin),
                (Who::Support, &support.token),
                (Who::OldSupport, &old_support),
                (Who::Reader, &reader.token),
                (Who::SupportKey, &keys[0]),
                (Who::ReaderKey, &keys[1]),
                (Who::ServiceKey, &keys[2]),
            ] {
                knock(roster, operation, who, token, &ann).await;
            }
        }
        let token = roster.token(&ann.email, PASSWORD).await;
        let me = roster.call("GET /users/me", &token, &Value::Null).await;
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
            let binary = model.functions[&route.unwrap().function].binary();
            assert_eq!(
                operation.x_access(),
                access_in_source(binary),
                "{}",
                operation.id
            );
            let tokens = match operation.access() {
                "anyone" => json!([]),
                "anyone-or-caller" => json!([{}, {"bearer": []}]),
                "anyone-or-support" => json!([{}, {"bearer": []}, {"apiKey": []}]),
                "caller" | "owner" | "owner-or-admin" | "admin" => json!([{"bearer": []}]),
                access if access.starts_with("owner") && !operation.path.contains("{id}") => {
                    json!([{"bearer": []}])
                }
                _ => json!([{"bearer": []}, {"apiKey": []}]),
            };
            assert_eq!(operation.written["security"], tokens, "{}", operation.id);
        }
    });
}

/// The `ACCESS` of a function's handler, as the document spells it: `Access::OWNER_OR_ADMIN.recent()` is
/// `owner-or-admin recent`.
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
    let words = constant.trim_end_matches(';').replace("()", "");
    words.to_lowercase().replace('_', "-").replace('.', " ")
}
