//! What each command costs: `docs/costs.md` says what the local stack counts.

use local::dynamodb::{Call, Capacity};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    openid::{Provider, visit, with_provider},
    people::Person,
    support::{PASSWORD, Roster, token_in, unique_email},
};

const NEW_PASSWORD: &str = "seven purple kites aloft";

/// The document with the table.
const DOCUMENT: &str = include_str!("../../docs/costs.md");

/// The rows, as the document spells them.
struct Table<'a> {
    roster: &'a Roster,
    rows: Vec<String>,
}

impl Table<'_> {
    /// Adds the row of a command, which `function` carries out: once to warm up, then counted.
    /// What other functions do meanwhile does not count, so `perform` may prepare what it needs.
    async fn row(&mut self, command: &str, function: &str, perform: impl AsyncFn()) {
        perform().await;
        self.roster.settle().await;
        let calls = self.roster.stack.services.dynamo.calls();
        let before = calls.position();
        perform().await;
        self.roster.settle().await;
        let (mut requests, mut capacity) = (0, Capacity::default());
        for call in calls.since(before) {
            if call.caller == function && !is_of_the_clock(&call) {
                requests += 1;
                capacity += call.capacity;
            }
        }
        let Capacity { read, write } = capacity;
        self.rows.push(format!(
            "| {command} | {function} | {requests} | {read} | {write} |"
        ));
    }

    /// Panics unless the document has just these rows.
    fn assert_documented(&self) {
        let documented: Vec<_> = DOCUMENT
            .lines()
            .skip_while(|line| !line.starts_with("|---"))
            .skip(1)
            .take_while(|line| line.starts_with('|'))
            .collect();
        let rows = self.rows.join("\n");
        assert_eq!(documented, self.rows, "docs/costs.md should say:\n{rows}");
    }
}

/// True of what a process reads anew after a time, whatever it is asked for: the ring of keys, and the
/// generations of caches.
fn is_of_the_clock(call: &Call) -> bool {
    call.operation == "GetItem"
        && call
            .accesses
            .iter()
            .flat_map(|access| &access.leading_keys)
            .all(|key| key == "PUBLIC" || key.starts_with("CACHE#") && key.ends_with(":*"))
}

/// A user who signed in; gives address and id.
async fn user(roster: &Roster) -> (String, String) {
    let email = unique_email("costs");
    let signed_up = roster.sign_up(&email).await;
    assert_eq!(signed_up.status, StatusCode::CREATED);
    assert_eq!(roster.sign_in(&email).await.status, StatusCode::CREATED);
    (email, signed_up.body["id"].as_str().unwrap().to_owned())
}

/// A GET by the administrator which succeeds.
async fn get(roster: &Roster, path: &str) {
    assert_eq!(roster.get_as_admin(path).await.status, StatusCode::OK);
}

/// The rows of what one does to oneself, each to somebody new.
async fn rows_of_users(table: &mut Table<'_>) {
    let roster = table.roster;
    let own = async |route: &str, body: &Value| {
        let ann = roster.newcomer("costs").await;
        let answer = roster.call(route, &ann.token, body).await;
        assert!(answer.status.is_success(), "{route}: {:?}", answer.body);
    };
    let read = async || own("GET /users/me", &Value::Null).await;
    table.row("read a user", "GetUser", read).await;
    let rename = async || own("PATCH /users/me", &json!({"name": "Anna"})).await;
    table.row("rename a user", "UpdateUser", rename).await;
    let passwords = json!({"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD});
    let password = async || own("PUT /users/me/password", &passwords).await;
    table
        .row("change one's password", "ChangePassword", password)
        .await;
    let email = async || {
        let body = json!({"email": unique_email("costs"), "currentPassword": PASSWORD});
        let ann = roster.proven("costs").await;
        let answer = roster.call("PUT /users/me/email", &ann.token, &body).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED);
    };
    table
        .row("ask for another address", "ChangeEmail", email)
        .await;
    let withdraw = async || {
        let ann = roster.proven("costs").await;
        let body = json!({"email": unique_email("costs"), "currentPassword": PASSWORD});
        let wish = "PUT /users/me/email";
        roster.call(wish, &ann.token, &body).await;
        let withdraw = "DELETE /users/me/email";
        let answer = roster.call(withdraw, &ann.token, &Value::Null).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
    };
    table
        .row("take that request back", "WithdrawEmailChange", withdraw)
        .await;
    let export = async || own("GET /users/me/export", &Value::Null).await;
    let row = "export a user, 1 version and 1 session";
    table.row(row, "ExportUser", export).await;
    let erase = async || own("DELETE /users/me", &Value::Null).await;
    table.row("erase a user", "DeleteUser", erase).await;
}

/// The rows of services; none is told of anything.
async fn rows_of_services(table: &mut Table<'_>) {
    let roster = table.roster;
    let number = std::sync::atomic::AtomicUsize::new(0);
    let call = async |route: String, body: Value| {
        let answer = roster.call_as_admin(&route, &body).await;
        assert!(answer.status.is_success(), "{answer:?}");
    };
    let register = async || {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let filter = json!({"detail-type": ["None"]});
        call(
            format!("PUT /services/costs-{number}"),
            json!({"filter": filter}),
        )
        .await;
    };
    table
        .row("register a service", "RegisterService", register)
        .await;
    let body = json!({"url": "https://a.example.com"});
    let instance =
        async || call("PUT /services/costs-0/instances/a".to_owned(), body.clone()).await;
    table
        .row(
            "register an instance of a service",
            "RegisterInstance",
            instance,
        )
        .await;
    let find = async || call("GET /services/costs-0/instance".to_owned(), Value::Null).await;
    table
        .row("find an instance of a service", "DiscoverService", find)
        .await;
}

/// The rows of sessions, each of somebody new.
async fn rows_of_sessions(table: &mut Table<'_>) {
    let roster = table.roster;
    let refresh = async || {
        let ann = roster.newcomer("costs").await;
        let session = roster.sign_in(&ann.email).await;
        let body = json!({"refreshToken": session.body["refreshToken"]});
        let answer = roster.post("/sessions/refresh", &body).await;
        assert_eq!(answer.status, StatusCode::OK);
    };
    let row = "refresh a session";
    table.row(row, "RefreshSession", refresh).await;
    let own = async |route: &str| {
        let ann = roster.newcomer("costs").await;
        let answer = roster.call(route, &ann.token, &Value::Null).await;
        assert!(answer.status.is_success(), "{route}");
    };
    let list = async || own("GET /users/me/sessions").await;
    table.row("list one's sessions", "ListSessions", list).await;
    let out = async || own("DELETE /sessions/current").await;
    table.row("sign out", "EndSession", out).await;
    let all = async || own("DELETE /users/me/sessions").await;
    table.row("sign out everywhere", "EndSessions", all).await;
    let prove = async || {
        let ann = roster.newcomer("costs").await;
        let body = json!({"email": ann.email, "password": PASSWORD});
        let proof = "POST /sessions/current/proof";
        let answer = roster.call(proof, &ann.token, &body).await;
        assert_eq!(answer.status, StatusCode::OK);
    };
    let row = "prove again who one is";
    table.row(row, "ProveAgain", prove).await;
}

/// The rows of identities elsewhere.
async fn rows_of_identities(table: &mut Table<'_>, provider: &Provider, listed: &Value) {
    let roster = table.roster;
    let visit = async |login: &str| {
        provider.knows(login, json!({"email": login, "email_verified": true}));
        visit(listed, login).await
    };
    let list = async || {
        let answer = roster.get("/identity-providers").await;
        assert_eq!(answer.status, StatusCode::OK);
    };
    let row = "list identity providers";
    table.row(row, "ListIdentityProviders", list).await;
    let email = unique_email("costs");
    let sign_in = async || {
        let mut authorization = visit(&email).await;
        authorization["strategy"] = json!("oidc");
        let answer = roster.post("/sessions", &authorization).await;
        assert_eq!(answer.status, StatusCode::CREATED);
    };
    let row = "sign in by a provider";
    table.row(row, "Authenticate", sign_in).await;
    let link = async || {
        let ann = roster.proven("costs").await;
        let body = visit(&unique_email("linked")).await;
        let linked = roster
            .call("POST /users/me/identities", &ann.token, &body)
            .await;
        assert_eq!(linked.status, StatusCode::CREATED);
        (ann, linked.body["id"].as_str().unwrap().to_owned())
    };
    let link_only = async || drop(link().await);
    table
        .row("link an identity", "LinkIdentity", link_only)
        .await;
    let list = async || {
        let ann = roster.newcomer("costs").await;
        let route = "GET /users/me/identities";
        let answer = roster.call(route, &ann.token, &Value::Null).await;
        assert_eq!(answer.status, StatusCode::OK);
    };
    table
        .row("list one's identities", "ListIdentities", list)
        .await;
    let unlink = async || {
        let (ann, id) = link().await;
        let route = format!("DELETE /users/me/identities/{id}");
        let answer = roster.call(&route, &ann.token, &Value::Null).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
    };
    table
        .row("unlink an identity", "UnlinkIdentity", unlink)
        .await;
}

/// The rows of what administrators do, each to somebody new.
async fn rows_of_administrators(table: &mut Table<'_>) {
    let roster = table.roster;
    let to_user = async |action: &str, body: &Value| {
        let Person { id, .. } = roster.proven("costs").await;
        let (method, path) = action.split_once(' ').unwrap();
        let route = format!("{method} /users/{id}/{path}");
        let answer = roster.call_as_admin(&route, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{route}");
        id
    };
    let support = json!({"roles": ["support"]});
    let roles = async || drop(to_user("PUT roles", &support).await);
    table.row("assign roles", "AssignRoles", roles).await;
    let invite = async || {
        let body = json!({"email": unique_email("costs"), "name": "Eve Example"});
        let invited = roster.call_as_admin("POST /users", &body).await;
        assert_eq!(invited.status, StatusCode::CREATED);
        invited.body["id"].as_str().unwrap().to_owned()
    };
    let invite_only = async || drop(invite().await);
    table.row("invite a user", "CreateUser", invite_only).await;
    let withdraw = async || {
        let route = format!("DELETE /invitations/{}", invite().await);
        let withdrawn = roster.call_as_admin(&route, &Value::Null).await;
        assert_eq!(withdrawn.status, StatusCode::NO_CONTENT);
    };
    let row = "withdraw an invitation";
    table.row(row, "WithdrawInvitation", withdraw).await;
    let recover = async || {
        let (_, id) = user(roster).await;
        let route = format!("POST /users/{id}/recovery");
        let answer = roster.call_as_admin(&route, &Value::Null).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED);
    };
    let row = "start a recovery";
    table.row(row, "StartRecovery", recover).await;
    let lift = async || {
        let (_, id) = user(roster).await;
        let route = format!("DELETE /users/{id}/mail-suppression");
        let answer = roster.call_as_admin(&route, &Value::Null).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
    };
    let row = "send mails to a user again";
    table.row(row, "LiftMailSuppression", lift).await;
    let deactivate = async || drop(to_user("POST deactivate", &Value::Null).await);
    table
        .row("deactivate a user", "DeactivateUser", deactivate)
        .await;
    let reactivate = async || {
        let id = to_user("POST deactivate", &Value::Null).await;
        let route = format!("POST /users/{id}/reactivate");
        assert_eq!(
            roster.call_as_admin(&route, &Value::Null).await.status,
            StatusCode::OK
        );
    };
    table
        .row("reactivate a user", "ReactivateUser", reactivate)
        .await;
}

/// The rows of API keys.
async fn rows_of_api_keys(table: &mut Table<'_>) {
    let roster = table.roster;
    let make = async || drop(roster.api_key("reader").await);
    table.row("make an API key", "CreateApiKey", make).await;
    let list = async || get(roster, "/api-keys").await;
    table.row("list API keys", "ListApiKeys", list).await;
    let (_, id) = user(roster).await;
    let key = roster.api_key("reader").await;
    let read = async || {
        let route = format!("GET /users/{id}");
        let answer = roster.call(&route, &key.token, &Value::Null).await;
        assert_eq!(answer.status, StatusCode::OK);
    };
    let row = "read a user with an API key";
    table.row(row, "GetUser", read).await;
    let revoke = async || {
        let key = roster.api_key("reader").await;
        let route = format!("DELETE /api-keys/{}", key.id);
        let answer = roster.call_as_admin(&route, &Value::Null).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
    };
    table.row("revoke an API key", "RevokeApiKey", revoke).await;
}

/// The rows of mails and what their links do, each for somebody new.
async fn rows_of_mails(table: &mut Table<'_>) {
    let roster = table.roster;
    let ask = async |path: &str| {
        let ann = roster.newcomer("costs").await;
        let answer = roster.post(path, &json!({"email": ann.email})).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED);
        ann.email
    };
    let reset = async || drop(ask("/password-resets").await);
    table
        .row("ask for a password reset", "RequestMail", reset)
        .await;
    let verification = async || drop(ask("/email-verifications").await);
    let row = "ask to verify an address";
    table.row(row, "RequestMail", verification).await;
    let reset = async || {
        let ann = roster.proven("costs").await;
        let email = ann.email;
        let body = json!({"email": email});
        roster.post("/password-resets", &body).await;
        let mail = roster
            .mail_about(&email, "Choose a new password for Roster")
            .await;
        let body = json!({"token": token_in(&mail, "reset"), "newPassword": NEW_PASSWORD});
        assert_eq!(
            roster.put("/password-resets", &body).await.status,
            StatusCode::OK
        );
    };
    table.row("reset a password", "ResetPassword", reset).await;
    let verify = async || drop(roster.proven("costs").await);
    table.row("verify an address", "VerifyEmail", verify).await;
    let welcomed = async || {
        let ann = roster.newcomer("costs").await;
        token_in(&roster.mail_to(&ann.email).await, "verify")
    };
    let take_over = async || {
        let body = json!({"token": welcomed().await, "newPassword": NEW_PASSWORD});
        let answer = roster.put("/email-verifications", &body).await;
        assert_eq!(answer.status, StatusCode::CREATED);
    };
    let row = "take over an account which nobody confirmed";
    table.row(row, "VerifyEmail", take_over).await;
    let disown = async || {
        let request = roster.request(Method::DELETE, "/email-verifications");
        let body = json!({"token": welcomed().await});
        let answer = roster.send(request.json(&body)).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
    };
    table
        .row("disown an address", "DisownAddress", disown)
        .await;
}

/// The rows of what follows from an event. A mail's are none: they depend on whether the mail or the reports
/// about it are noted first.
async fn rows_of_observers(table: &mut Table<'_>) {
    let roster = table.roster;
    let ann = roster.proven("costs").await;
    let names = std::sync::atomic::AtomicUsize::new(0);
    let rename = async || {
        let number = names.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let body = json!({"name": format!("Ann {number}")});
        let answer = roster.call("PATCH /users/me", &ann.token, &body).await;
        assert_eq!(answer.status, StatusCode::OK);
    };
    let row = "relay an event of a user";
    table.row(row, "PublishEvents", rename).await;
    let row = "record an event in the audit trail";
    table.row(row, "RecordAudit", rename).await;
    let row = "look which services are told of an event";
    table.row(row, "NotifyServices", rename).await;
}

#[test]
fn the_document_says_what_each_command_costs() {
    with_provider(async |roster, provider, listed| {
        let (email, id) = user(roster).await;
        let mut table = Table {
            roster,
            rows: Vec::new(),
        };
        let sign_up = async || {
            let answer = roster.sign_up(&unique_email("costs")).await;
            assert_eq!(answer.status, StatusCode::CREATED);
        };
        table.row("sign up", "CreateUser", sign_up).await;
        let sign_in = async || {
            let answer = roster.sign_in(&email).await;
            assert_eq!(answer.status, StatusCode::CREATED);
        };
        table.row("sign in", "Authenticate", sign_in).await;
        let (known, _) = user(roster).await;
        let device = roster.sign_in(&known).await.body["deviceToken"].clone();
        let sign_in = async || {
            let body = json!({"email": known, "password": PASSWORD, "deviceToken": device});
            let answer = roster.post("/sessions", &body).await;
            assert_eq!(answer.status, StatusCode::CREATED);
        };
        let row = "sign in from a known device";
        table.row(row, "Authenticate", sign_in).await;
        rows_of_sessions(&mut table).await;
        rows_of_identities(&mut table, provider, listed).await;
        let list = async || get(roster, "/users").await;
        table.row("list users", "ListUsers", list).await;
        rows_of_users(&mut table).await;
        rows_of_administrators(&mut table).await;
        rows_of_api_keys(&mut table).await;
        rows_of_services(&mut table).await;
        rows_of_mails(&mut table).await;
        let audit = async || get(roster, "/audit-events?limit=5").await;
        let row = "list audit events, a page of 5 lines";
        table.row(row, "ListAuditEvents", audit).await;
        let path = format!("/audit-events?user={id}&type=UserCreated");
        let audit = async || get(roster, &path).await;
        let row = "list audit events of a user, 1 version and 1 line";
        table.row(row, "ListAuditEvents", audit).await;
        rows_of_observers(&mut table).await;
        table.assert_documented();
    });
}
