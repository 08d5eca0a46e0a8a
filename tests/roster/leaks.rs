//! After a leak: `compromised: all` ends whatever was given to anybody.

use std::time::Duration;

use local::template::Template;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    ADMIN, Answer, PASSWORD, Roster, on_own_stack, patiently, template, token_in,
};

const NONE: Value = Value::Null;
const AGAIN: &str = "eleven green lanterns drift";

/// A little more than the lag of this stack and what clocks may differ.
const PARAMETERS: [(&str, &str); 2] = [("AccessLagSeconds", "1"), ("SignUpPolicy", "concealed")];

/// An operator invokes the function, as `aws lambda invoke` does.
async fn invoke(roster: &Roster, detail: Value) -> (StatusCode, bool) {
    let url = format!(
        "{}/2015-03-31/functions/RotateSigningKeys/invocations",
        roster.stack.console_url
    );
    let body = json!({"detail": detail});
    let request = reqwest::Client::new().post(url).json(&body).send();
    let answer = patiently("an answer", request).await.unwrap();
    let failed = answer.headers().contains_key("x-amz-function-error");
    (answer.status(), failed)
}

async fn refresh(roster: &Roster, token: &Value) -> Answer {
    let body = json!({"refreshToken": token});
    roster.post("/sessions/refresh", &body).await
}

async fn redeem(roster: &Roster, path: &str, token: &str) -> Answer {
    let body = json!({"token": token, "newPassword": AGAIN});
    roster.put(path, &body).await
}

async fn ask_for_reset(roster: &Roster, email: &str) -> StatusCode {
    let body = json!({"email": email});
    roster.post("/password-resets", &body).await.status
}

/// What was given to people before.
struct Given {
    session: Value,
    /// Of somebody else, who did not refresh it since.
    other: Value,
    reset: String,
    invitation: String,
    sign_up: String,
    api_key: String,
}

impl Given {
    async fn new(roster: &Roster) -> Self {
        let session = roster.sign_in(ADMIN).await.body;
        let other = roster.sign_in(ADMIN).await.body;
        let api_key = roster.api_key("reader").await.token;
        let invited = json!({"email": "invited@example.com", "name": "Eve Example"});
        let invited = roster.call_as_admin("POST /users", &invited).await;
        assert_eq!(invited.status, StatusCode::CREATED);
        let invitation = token_in(&roster.mail_to("invited@example.com").await, "invitation");
        roster.sign_up("waiting@example.com").await;
        let sign_up = token_in(&roster.mail_to("waiting@example.com").await, "verify");
        assert_eq!(ask_for_reset(roster, ADMIN).await, StatusCode::ACCEPTED);
        let reset = roster.mail_about(ADMIN, RESET).await;
        Self {
            session,
            other,
            reset: token_in(&reset, "reset"),
            invitation,
            sign_up,
            api_key,
        }
    }

    /// What is good of it: a probe that uses nothing up comes first.
    async fn opens(&self, roster: &Roster) -> (StatusCode, StatusCode) {
        let access = self.session["accessToken"].as_str().unwrap();
        let user = roster.call("GET /users/me", access, &NONE).await.status;
        let machine = roster.call("GET /users", &self.api_key, &NONE).await.status;
        (user, machine)
    }
}

const RESET: &str = "Choose a new password for Roster";

#[test]
fn after_a_leak_nothing_of_before_opens_anything_and_a_reset_does() {
    on_own_stack(&PARAMETERS, async |roster| {
        let given = Given::new(roster).await;
        let good = (StatusCode::OK, StatusCode::OK);
        assert_eq!(given.opens(roster).await, good);
        let old_keys = roster.get("/.well-known/jwks.json").await.body["keys"].clone();

        assert_eq!(
            invoke(roster, json!({"compromised": "everything"})).await,
            (StatusCode::OK, true),
            "a slip of the pen is told"
        );
        assert_eq!(given.opens(roster).await, good);
        let all = invoke(roster, json!({"compromised": "all"})).await;
        assert_eq!(all, (StatusCode::OK, false));

        // Each process hears of it within the lag, and nothing that lasts is given before all have.
        let dead = (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED);
        let none_opens = async || {
            while given.opens(roster).await != dead {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), none_opens())
            .await
            .unwrap();
        begun(roster).await;

        for session in [&given.session, &given.other] {
            let refused = refresh(roster, &session["refreshToken"]).await;
            assert_eq!(refused.problem(), (401, "invalid-refresh-token"));
        }
        for (path, token) in [
            ("/password-resets", &given.reset),
            ("/email-verifications", &given.invitation),
            ("/email-verifications", &given.sign_up),
        ] {
            let refused = redeem(roster, path, token).await;
            assert_eq!(refused.problem(), (410, "token-expired"), "{path}");
        }
        let body = json!({"token": given.sign_up});
        let disown = roster.request(Method::DELETE, "/email-verifications");
        let refused = roster.send(disown.json(&body)).await;
        assert_eq!(refused.problem(), (410, "token-expired"));
        device_is_forgotten(roster, &given.session["deviceToken"]).await;
        let new_keys = roster.get("/.well-known/jwks.json").await.body["keys"].clone();
        assert!(new_keys.as_array().unwrap().len() == 1 && new_keys != old_keys);

        recover(roster).await;
    });
}

/// Waits until the epoch has begun: before, who signs in is told to come again.
async fn begun(roster: &Roster) {
    let sign_in = async || {
        while roster.sign_in(ADMIN).await.status == StatusCode::SERVICE_UNAVAILABLE {
            tokio::task::yield_now().await;
        }
    };
    patiently("the next epoch", sign_in()).await;
}

/// A stranger has used up the guesses of unknown devices: the token of before is of no more use than none.
async fn device_is_forgotten(roster: &Roster, device: &Value) {
    let guess = json!({"email": ADMIN, "password": "wrong by a letter"});
    while roster.post("/sessions", &guess).await.status == StatusCode::UNAUTHORIZED {}
    let body = json!({"email": ADMIN, "password": PASSWORD, "deviceToken": device});
    let refused = roster.post("/sessions", &body).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
}

/// The operator gets in by a reset, makes the keys of machines anew and invites again.
async fn recover(roster: &Roster) {
    let mails = roster.mails_to(ADMIN);
    assert_eq!(ask_for_reset(roster, ADMIN).await, StatusCode::ACCEPTED);
    roster.settle().await;
    let newest = roster.mails(ADMIN).pop().unwrap();
    assert_eq!(roster.mails_to(ADMIN), mails + 1);
    let reset = redeem(roster, "/password-resets", &token_in(&newest, "reset")).await;
    assert_eq!(reset.status, StatusCode::OK, "{:?}", reset.body);
    let access = reset.body["accessToken"].as_str().unwrap();
    let refreshed = refresh(roster, &reset.body["refreshToken"]).await;
    assert_eq!(refreshed.status, StatusCode::OK);

    let listed = roster.call("GET /api-keys", access, &NONE).await;
    assert!(
        listed.body["data"][0]["revokedAt"].is_string(),
        "{listed:?}"
    );
    let key = json!({"name": "made anew", "role": "reader"});
    let key = roster.call("POST /api-keys", access, &key).await;
    let machine = key.body["token"].as_str().unwrap();
    let users = roster.call("GET /users", machine, &NONE).await;
    assert_eq!(users.status, StatusCode::OK);
    let sessions = roster.call("GET /users/me/sessions", access, &NONE).await;
    let sessions = sessions.body["data"].as_array().unwrap();
    assert_eq!(sessions.len(), 1, "{sessions:?}");

    let waiting = roster.mails_to("waiting@example.com");
    roster.sign_up("waiting@example.com").await;
    roster.settle().await;
    assert_eq!(roster.mails_to("waiting@example.com"), waiting + 1);
    let newest = roster.mails("waiting@example.com").pop().unwrap();
    let body = json!({"token": token_in(&newest, "verify"), "password": PASSWORD});
    let begun = roster.put("/email-verifications", &body).await;
    assert!(begun.status.is_success(), "{begun:?}");
}

/// With a KMS key of one's own, who may touch the keys table may use the key, and nobody else may.
#[test]
fn who_reads_the_keys_table_may_use_its_key_and_nobody_else() {
    const KEY: &str =
        "arn:aws:kms:eu-central-1:123456789012:key/12345678-1234-1234-1234-123456789012";
    let mut parameters = cli::local::parameters();
    let template = Template::read(&template()).unwrap();
    let without = template.resolve(&parameters).unwrap();
    parameters.insert("KeysKmsKey".to_owned(), KEY.to_owned());
    let model = template.resolve(&parameters).unwrap();
    let keys = json!(model.tables["KeysTable"].arn);
    let mut users = 0;
    for (id, function) in &model.functions {
        let has = |resource: &Value| {
            let mut statements = function.statements.iter();
            statements.any(|statement| statement["Resource"] == *resource)
        };
        assert_eq!(has(&keys), has(&json!(KEY)), "{id}");
        users += usize::from(has(&keys));
    }
    assert!(users > 30 && users < model.functions.len(), "{users}");
    let statements = without
        .functions
        .values()
        .flat_map(|function| &function.statements);
    for statement in statements {
        assert!(
            !statement["Action"].to_string().contains("kms"),
            "{statement}"
        );
    }
}
