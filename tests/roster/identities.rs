//! `POST /sessions` by way of a provider, `GET /identity-providers`, and `…/identities` of a user.

use std::env;

use futures::future::join_all;
use serde_json::{Value, json};

use crate::{
    openid::{
        Provider, Signature, UNTRUSTED, on_stack_trusting, visit, visit_with, with_provider,
        with_provider_under,
    },
    support::{Answer, Roster, token_in, unique_email},
};

/// Signs in with what a provider gave.
async fn hand_over(roster: &Roster, mut authorization: Value) -> Answer {
    authorization["strategy"] = json!("oidc");
    roster.post("/sessions", &authorization).await
}

async fn come(roster: &Roster, provider: &Value, login: &str) -> Answer {
    hand_over(roster, visit(provider, login).await).await
}

fn token(answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{:?}", answer.body);
    answer.body["accessToken"].as_str().unwrap().to_owned()
}

/// Everything a person does with an identity, and what is left at the end.
async fn live(roster: &Roster, provider: &Value, login: &str, email: &str) {
    let first = come(roster, provider, login).await;
    let access = token(&first);
    let user = &first.body["user"];
    assert_eq!(
        (&user["email"], &user["emailVerified"]),
        (&json!(email), &json!(true))
    );
    assert_eq!(user["name"], "Ann Certified");
    let welcome = roster.mail_to(email).await;
    assert!(
        !welcome.text.unwrap().contains("#token="),
        "nothing is left to prove"
    );

    let again = come(roster, provider, login).await;
    assert_eq!(again.body["user"], *user);

    let listed = roster
        .call("GET /users/me/identities", &access, &Value::Null)
        .await;
    let identities = listed.body["data"].as_array().unwrap();
    assert_eq!(identities.len(), 1);
    assert_eq!(identities[0]["issuer"], provider["issuer"]);
    let unlink = format!(
        "DELETE /users/me/identities/{}",
        identities[0]["id"].as_str().unwrap()
    );
    let refused = roster.call(&unlink, &access, &Value::Null).await;
    assert_eq!(refused.problem(), (409, "last-login"));

    // A password by mail, which unlinks the identity: it may have been a thief's.
    roster
        .post("/password-resets", &json!({"email": email}))
        .await;
    let mail = roster
        .mail_about(email, "Choose a new password for Roster")
        .await;
    let password = "seven purple kites aloft";
    let body = json!({"token": token_in(&mail, "reset"), "newPassword": password});
    assert_eq!(roster.put("/password-resets", &body).await.status, 200);
    let access = roster.token(email, password).await;
    let gone = roster.call(&unlink, &access, &Value::Null).await;
    assert_eq!(gone.status, 404);

    // By hand, by its address, and gone with the user.
    let link = "POST /users/me/identities";
    let linked = roster
        .call(link, &access, &visit(provider, login).await)
        .await;
    assert_eq!(
        (linked.status.as_u16(), &linked.body),
        (201, &identities[0])
    );
    assert_eq!(
        roster.call(&unlink, &access, &Value::Null).await.status,
        204
    );
    // The session outlives it; its access token, like all others, does not.
    let access = roster.token(email, password).await;
    let again = roster.call(&unlink, &access, &Value::Null).await;
    assert_eq!(again.status, 404);
    let by_itself = come(roster, provider, login).await;
    assert_eq!(by_itself.problem(), (401, "invalid-credentials"));
    let relinked = roster
        .call(link, &access, &visit(provider, login).await)
        .await;
    assert_eq!(relinked.status, 201);
    let back = come(roster, provider, login).await;
    assert_eq!(back.body["user"]["id"], user["id"]);
    let access = token(&back);
    let export = roster
        .call("GET /users/me/export", &access, &Value::Null)
        .await;
    assert_eq!(export.body["logins"][1]["issuer"], provider["issuer"]);
    let other = roster.proven("identities").await;
    let taken = roster
        .call(link, &other.token, &visit(provider, login).await)
        .await;
    assert_eq!(taken.problem(), (409, "identity-taken"));
    let erased = roster.call("DELETE /users/me", &access, &Value::Null).await;
    assert_eq!(erased.status, 204);
    let free = roster
        .call(link, &other.token, &visit(provider, login).await)
        .await;
    assert_eq!(free.status, 201);
}

#[test]
fn a_person_comes_links_unlinks_and_goes() {
    with_provider(async |roster, provider, listed| {
        let email = "ann@example.com";
        let claims = json!({"email": email, "email_verified": true, "name": "Ann Certified"});
        provider.knows("ann", claims);
        live(roster, listed, "ann", email).await;
    });
}

/// Against a certified implementation, where `.ci/run` has started one.
#[test]
fn a_certified_provider_is_understood() {
    let Ok(issuer) = env::var("ROSTER_OIDC_PROVIDER_URL") else {
        return;
    };
    on_stack_trusting(&[("certified", &issuer)], async |roster| {
        let provider = &roster.get("/identity-providers").await.body["data"][0];
        live(roster, provider, "ann", "ann@example.com").await;
        let replayed = visit(provider, "bob").await;
        assert_eq!(hand_over(roster, replayed.clone()).await.status, 201);
        let refused = hand_over(roster, replayed).await;
        assert_eq!(refused.problem(), (401, "invalid-credentials"));
        let mut stolen = visit(provider, "bob").await;
        stolen["codeVerifier"] = json!("v".repeat(43));
        let refused = hand_over(roster, stolen).await;
        assert_eq!(refused.problem(), (401, "invalid-credentials"));
    });
}

#[test]
fn what_is_not_meant_for_this_sign_in_lets_nobody_in() {
    with_provider(async |roster, provider, listed| {
        let refused = async |what: &str, authorization: Value| {
            let answer = hand_over(roster, authorization).await;
            assert_eq!(answer.problem(), (401, "invalid-credentials"), "{what}");
        };
        let email = json!({"email": "eve@example.com", "email_verified": true});
        for (what, claims) in [
            ("another audience", json!({"aud": "another"})),
            ("for others too", json!({"aud": ["roster", "another"]})),
            ("given to another", json!({"azp": "another"})),
            ("another issuer", json!({"iss": "https://evil.example.com"})),
            ("expired", json!({"exp": 1_700_000_000})),
            ("another sign-in", json!({"nonce": "n-of-another-sign-in"})),
            ("no nonce", json!({"nonce": null})),
        ] {
            let mut all = email.clone();
            all.as_object_mut()
                .unwrap()
                .extend(claims.as_object().unwrap().clone());
            provider.knows("eve", all);
            refused(what, visit(listed, "eve").await).await;
        }
        for (what, signature) in [
            ("alg none", Signature::None),
            ("the public key as a secret", Signature::Confused),
            ("a forged signature", Signature::Forged),
            ("an unknown key", Signature::Unknown),
            ("an unknown key again", Signature::Unknown),
        ] {
            provider.signs("eve", email.clone(), signature);
            refused(what, visit(listed, "eve").await).await;
        }
        assert_eq!(provider.key_requests(), 1, "invented keys cost nothing");

        provider.knows("eve", email);
        let mut good = visit(listed, "eve").await;
        let mut other = good.clone();
        other["nonce"] = json!("n-of-another-sign-in");
        refused("another nonce", other).await;
        refused("a code that was used", good.clone()).await;
        good = visit(listed, "eve").await;
        good["codeVerifier"] = json!("v".repeat(43));
        refused("a stolen code", good).await;
        let mut unknown = visit(listed, "eve").await;
        unknown["provider"] = json!("b");
        assert_eq!(hand_over(roster, unknown).await.problem(), (422, "invalid"));

        let search = roster.get_as_admin("/users?search=eve").await;
        assert_eq!(search.body["pagination"]["total"], 0);
    });
}

#[test]
fn an_account_is_linked_only_if_both_sides_know_the_address() {
    with_provider(async |roster, provider, listed| {
        let proven = roster.proven("proven").await;
        let unproven = roster.newcomer("unproven").await;
        for (login, person, verified, linked) in [
            ("1", &unproven, false, false),
            ("2", &proven, false, false),
            ("3", &proven, true, true),
        ] {
            let email = &person.email;
            provider.knows(login, json!({"email": email, "email_verified": verified}));
            let answer = come(roster, listed, login).await;
            if linked {
                assert_eq!(answer.body["user"]["id"], person.id);
            } else {
                assert_eq!(answer.problem(), (409, "email-taken"), "{login}");
            }
        }
    });
}

#[test]
fn a_provider_that_is_not_said_to_prove_addresses_proves_none() {
    let provider = Provider::bind();
    on_stack_trusting(&[(UNTRUSTED, provider.issuer())], async |roster| {
        provider.serve();
        let listed = &roster.get("/identity-providers").await.body["data"][0];
        let ann = roster.proven("proven").await;
        provider.knows("eve", json!({"email": ann.email, "email_verified": true}));
        let refused = come(roster, listed, "eve").await;
        assert_eq!(refused.problem(), (409, "email-taken"));
        let email = unique_email("bob");
        provider.knows("bob", json!({"email": email, "email_verified": true}));
        let bob = come(roster, listed, "bob").await;
        assert_eq!(
            (bob.status.as_u16(), &bob.body["user"]["emailVerified"]),
            (201, &json!(false))
        );
    });
}

#[test]
fn tokens_are_read_as_providers_write_them() {
    with_provider(async |roster, provider, listed| {
        for (login, claims, verified) in [
            (
                "fraction",
                json!({"iat": 1_700_000_000.25, "exp": 4e9, "email_verified": "true"}),
                true,
            ),
            (
                "number",
                json!({"exp": 1e10, "email_verified": 1, "auth_time": "now"}),
                true,
            ),
            (
                "odd",
                json!({"name": {"given": "Ann"}, "email_verified": {}, "locale": [1]}),
                false,
            ),
        ] {
            let mut claims = claims;
            claims["email"] = json!(unique_email(login));
            provider.knows(login, claims);
            let answer = come(roster, listed, login).await;
            assert_eq!(answer.status, 201, "{login}: {:?}", answer.body);
            assert_eq!(answer.body["user"]["emailVerified"], verified, "{login}");
        }
    });
}

#[test]
fn a_person_without_an_address_is_told_so() {
    with_provider(async |roster, provider, listed| {
        for (login, claims) in [
            ("none", json!({})),
            ("list", json!({"email": ["ann@example.com"]})),
            ("odd", json!({"email": "ann"})),
        ] {
            provider.knows(login, claims);
            let refused = come(roster, listed, login).await;
            assert_eq!(refused.problem(), (403, "email-missing"), "{login}");
        }
    });
}

#[test]
fn who_has_not_confirmed_the_address_links_nothing() {
    with_provider(async |roster, provider, listed| {
        let ann = roster.newcomer("unproven").await;
        provider.knows(
            "eve",
            json!({"email": "eve@example.com", "email_verified": true}),
        );
        let body = visit(listed, "eve").await;
        let route = "POST /users/me/identities";
        let refused = roster.call(route, &ann.token, &body).await;
        assert_eq!(refused.problem(), (403, "address-unproven"));
    });
}

#[test]
fn who_was_invited_comes_by_a_provider_that_verified_the_address() {
    with_provider_under(
        &[("SignUpPolicy", "admin")],
        async |roster, provider, listed| {
            let email = unique_email("invited");
            let body = json!({"email": email, "name": "Ann Example"});
            let invited = roster.call_as_admin("POST /users", &body).await;
            let link = token_in(&roster.mail_to(&email).await, "invitation");
            provider.knows("eve", json!({"email": email, "email_verified": false}));
            let refused = come(roster, listed, "eve").await;
            assert_eq!(refused.problem(), (401, "invalid-credentials"));

            provider.knows("ann", json!({"email": email, "email_verified": true}));
            let first = come(roster, listed, "ann").await;
            let access = token(&first);
            assert_eq!(first.body["user"]["id"], invited.body["id"]);
            assert_eq!(first.body["user"]["emailVerified"], true);
            let body = json!({"token": link, "newPassword": "seven purple kites aloft"});
            let void = roster.put("/email-verifications", &body).await;
            assert_eq!(void.problem(), (410, "token-expired"));
            let listed = roster.get_as_admin("/invitations").await;
            assert_eq!(listed.body["data"], json!([]));
            let me = roster.call("GET /users/me", &access, &Value::Null).await;
            assert_eq!(me.status, 200);
        },
    );
}

#[test]
fn users_link_so_many_identities_an_hour() {
    with_provider_under(
        &[("ChangesPerUser", "10")],
        async |roster, provider, listed| {
            let ann = roster.proven("busy").await;
            for number in 3..=10 {
                let body = json!({"name": format!("Ann {number}")});
                let named = roster.call("PATCH /users/me", &ann.token, &body).await;
                assert_eq!(named.status, 200, "{number}");
            }
            provider.knows("ann", json!({"email": ann.email, "email_verified": true}));
            let body = visit(listed, "ann").await;
            let route = "POST /users/me/identities";
            let refused = roster.call(route, &ann.token, &body).await;
            assert_eq!(refused.problem(), (429, "too-many-requests"));
        },
    );
}

#[test]
fn sign_ups_at_once_with_one_identity_make_one_user() {
    with_provider(async |roster, provider, listed| {
        provider.knows(
            "ann",
            json!({"email": "ann@example.com", "email_verified": true}),
        );
        let codes = join_all((0..5).map(|_| visit(listed, "ann"))).await;
        let answers = codes.into_iter().map(|code| hand_over(roster, code));
        for answer in join_all(answers).await {
            assert_eq!(answer.status, 201, "{:?}", answer.body);
        }
        let search = roster.get_as_admin("/users?search=ann@").await;
        assert_eq!(search.body["pagination"]["total"], 1);
    });
}

#[test]
fn a_code_of_one_provider_is_worth_nothing_at_another() {
    let (a, b) = (Provider::bind(), Provider::bind());
    let trusted = [("a", a.issuer()), ("b", b.issuer())];
    on_stack_trusting(&trusted, async |roster| {
        a.serve();
        let listed = roster.get("/identity-providers").await;
        let names = &listed.body["data"];
        assert_eq!(names.as_array().unwrap().len(), 1, "b does not answer yet");
        b.serve();
        a.knows(
            "ann",
            json!({"email": "ann@example.com", "email_verified": true}),
        );
        let mut mixed_up = visit(&names[0], "ann").await;
        mixed_up["provider"] = json!("b");
        let refused = hand_over(roster, mixed_up).await;
        assert_eq!(refused.problem(), (401, "invalid-credentials"));
    });
}

#[test]
fn a_provider_that_is_away_is_unavailable() {
    // Nobody listens there any more.
    let away = Provider::bind().issuer().to_owned();
    on_stack_trusting(&[("a", &away)], async |roster| {
        let listed = roster.get("/identity-providers").await;
        assert_eq!(listed.body, json!({"data": []}));
        let authorization = json!({
            "provider": "a",
            "code": "code",
            "codeVerifier": "v".repeat(43),
            "nonce": "n".repeat(16),
            "redirectUri": "https://app.example.com/callback",
        });
        let answer = hand_over(roster, authorization).await;
        assert_eq!(answer.problem(), (503, "provider-unavailable"));
        assert_eq!(answer.header("retry-after"), Some("10"));
    });
}

#[test]
fn a_fresh_sign_in_at_a_provider_is_a_proof_and_an_old_one_is_none() {
    with_provider(async |roster, provider, listed| {
        let email = unique_email("proof");
        provider.knows("ann", json!({"email": email, "email_verified": true}));
        let access = token(&come(roster, listed, "ann").await);
        let prove = async |login: &str, more: &[(&str, &str)]| {
            let mut body = visit_with(listed, login, more).await;
            body["strategy"] = json!("oidc");
            roster
                .call("POST /sessions/current/proof", &access, &body)
                .await
        };
        let max_age = [("max_age", "0")];
        assert_eq!(prove("ann", &max_age).await.status, 200);
        // The provider does not say when, or says that it was long ago; or it is somebody else.
        let long_ago = json!({"email": email, "email_verified": true, "auth_time": 1_600_000_000});
        provider.knows("bob", json!({"email": email, "email_verified": true}));
        for (login, more) in [("ann", &[][..]), ("bob", &max_age)] {
            let refused = prove(login, more).await;
            assert_eq!(refused.problem(), (401, "invalid-credentials"), "{login}");
        }
        provider.knows("ann", long_ago);
        let refused = prove("ann", &max_age).await;
        assert_eq!(refused.problem(), (401, "invalid-credentials"));
    });
}
