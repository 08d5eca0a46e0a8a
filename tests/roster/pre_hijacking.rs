//! Attacks that begin before the victim has an account: the five of Sudhodanan and Paverd,
//! "Pre-hijacked accounts" (USENIX Security 2022), and one of a mailed link (GHSA-qq9h-g4jm-xgf3). In
//! each, Eve prepares an account with the address of Ann, who comes later.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    openid::{visit, with_provider},
    people::Person,
    support::{Answer, PASSWORD, Roster, on_shared_stack, token_in, unique_email},
};

/// The password which Ann chooses.
const ANNS: &str = "seven purple kites aloft";

/// Ann, who has never heard of Eve, resets the password of her address.
async fn reset(roster: &Roster, email: &str) -> Answer {
    let asked = json!({"email": email});
    roster.post("/password-resets", &asked).await;
    let subject = "Choose a new password for Roster";
    let token = token_in(&roster.mail_about(email, subject).await, "reset");
    let body = json!({"token": token, "newPassword": ANNS});
    let answer = roster.put("/password-resets", &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
    answer
}

async fn come(roster: &Roster, provider: &Value, login: &str) -> Answer {
    let mut authorization = visit(provider, login).await;
    authorization["strategy"] = json!("oidc");
    roster.post("/sessions", &authorization).await
}

/// Eve's session and password open nothing, and `answer` is of another account than hers.
async fn assert_shut_out(roster: &Roster, eve: &Person, answer: &Answer) {
    assert_ne!(answer.body["user"]["id"], eve.id);
    let me = roster.call("GET /users/me", &eve.token, &Value::Null).await;
    assert_eq!(me.problem(), (401, "unauthenticated"));
    let signed_in = roster.sign_in(&eve.email).await;
    assert_eq!(signed_in.problem(), (401, "invalid-credentials"));
}

/// Eve signs up with a password; Ann comes by a provider, and must not join Eve's account.
#[test]
fn classic_federated_merge() {
    with_provider(async |roster, provider, listed| {
        let eve = roster.newcomer("merge").await;
        provider.knows("ann", json!({"email": eve.email, "email_verified": true}));
        let ann = come(roster, listed, "ann").await;
        assert_eq!(ann.status, StatusCode::CREATED, "{:?}", ann.body);
        assert_shut_out(roster, &eve, &ann).await;
        let again = come(roster, listed, "ann").await;
        assert_eq!(again.body["user"]["id"], ann.body["user"]["id"]);
    });
}

/// Eve signs up and stays signed in; Ann resets the password, which must end Eve's session.
#[test]
fn unexpired_session() {
    on_shared_stack(async |roster| {
        let eve = roster.newcomer("session").await;
        let session = roster.sign_in(&eve.email).await;
        let ann = reset(roster, &eve.email).await;
        assert_shut_out(roster, &eve, &ann).await;
        let body = json!({"refreshToken": session.body["refreshToken"]});
        let refreshed = roster.post("/sessions/refresh", &body).await;
        assert_eq!(refreshed.problem(), (401, "invalid-refresh-token"));
    });
}

/// Eve adds an identifier of her own to the account, by which she comes back after Ann's reset.
#[test]
fn trojan_identifier() {
    with_provider(async |roster, provider, listed| {
        let eve = roster.newcomer("trojan").await;
        provider.knows(
            "eve",
            json!({"email": "eve@example.com", "email_verified": true}),
        );
        let link = "POST /users/me/identities";
        let linked = roster
            .call(link, &eve.token, &visit(listed, "eve").await)
            .await;
        assert_eq!(linked.problem(), (403, "address-unproven"));

        // Or she begins by the provider, which does not vouch for the address.
        let email = unique_email("trojan");
        provider.knows("eve", json!({"email": email, "email_verified": false}));
        let trojan = come(roster, listed, "eve").await;
        assert_eq!(trojan.status, StatusCode::CREATED);
        let ann = reset(roster, &email).await;
        assert_ne!(ann.body["user"]["id"], trojan.body["user"]["id"]);
        let back = come(roster, listed, "eve").await;
        assert_eq!(back.problem(), (409, "email-taken"));
    });
}

/// Eve has a change of the address under way, which she confirms after Ann's recovery.
#[test]
fn unexpired_email_change() {
    on_shared_stack(async |roster| {
        let eve = roster.newcomer("pending").await;
        let own = unique_email("eve");
        let wish = json!({"email": own, "currentPassword": PASSWORD});
        let route = "PUT /users/me/email";
        let refused = roster.call(route, &eve.token, &wish).await;
        assert_eq!(refused.problem(), (403, "address-unproven"));
        let ann = reset(roster, &eve.email).await;
        assert_shut_out(roster, &eve, &ann).await;

        // Where Ann had the account first, and Eve knew the password for a while.
        let ann = roster.proven("pending").await;
        let asked = roster.call(route, &ann.token, &wish).await;
        assert_eq!(asked.status, StatusCode::ACCEPTED);
        let token = token_in(&roster.mail_to(&own).await, "verify");
        reset(roster, &ann.email).await;
        for password in [PASSWORD, ANNS] {
            let body = json!({"token": token, "password": password});
            let late = roster.put("/email-verifications", &body).await;
            assert_eq!(late.problem(), (410, "token-expired"));
        }
        roster.token(&ann.email, ANNS).await;
    });
}

/// Eve comes by a provider which lets everybody claim any address.
#[test]
fn non_verifying_provider() {
    with_provider(async |roster, provider, listed| {
        let ann = roster.proven("victim").await;
        provider.knows("eve", json!({"email": ann.email, "email_verified": false}));
        let joined = come(roster, listed, "eve").await;
        assert_eq!(joined.problem(), (409, "email-taken"));

        // Before Ann has an account: Ann comes by a provider that vouches for her.
        let email = unique_email("victim");
        provider.knows("eve", json!({"email": email, "email_verified": false}));
        let eve = come(roster, listed, "eve").await;
        assert_eq!(eve.body["user"]["emailVerified"], false);
        provider.knows("ann", json!({"email": email, "email_verified": true}));
        let ann = come(roster, listed, "ann").await;
        assert_eq!(ann.status, StatusCode::CREATED, "{:?}", ann.body);
        assert_ne!(ann.body["user"]["id"], eve.body["user"]["id"]);
        let token = eve.body["accessToken"].as_str().unwrap();
        let dead = roster.call("GET /users/me", token, &Value::Null).await;
        assert_eq!(dead.problem(), (401, "unauthenticated"));
        let back = come(roster, listed, "eve").await;
        assert_eq!(back.problem(), (409, "email-taken"));
    });
}

/// Ann opens a link in a mail about the account that Eve made: neither does her click alone confirm it,
/// nor does Eve's password open what Ann makes of it.
#[test]
fn a_link_opened_by_the_victim_does_not_settle_the_strangers_account() {
    on_shared_stack(async |roster| {
        let eve = roster.newcomer("link").await;
        let token = token_in(&roster.mail_to(&eve.email).await, "verify");
        let click = json!({"token": token});
        let alone = roster.put("/email-verifications", &click).await;
        assert_eq!(alone.problem(), (401, "proof-required"));
        let me = roster.call("GET /users/me", &eve.token, &Value::Null).await;
        assert_eq!(me.body["emailVerified"], false);
        let body = json!({"token": token, "newPassword": ANNS});
        let ann = roster.put("/email-verifications", &body).await;
        assert_eq!(ann.status, StatusCode::CREATED);
        assert_shut_out(roster, &eve, &ann).await;
    });
}
