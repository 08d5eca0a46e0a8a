//! Access tokens for other services: `audience` at sign-in and refresh.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Roster, on_own_stack, on_shared_stack, unique_email};

const PARAMETERS: [(&str, &str); 3] = [
    ("Audiences", "billing, https://reports.example.com"),
    ("AccessTokenMinutes", "1"),
    ("EmailVerifiedClaim", "true"),
];

fn claims(answer: &Answer) -> Value {
    let token = answer.body["accessToken"].as_str().unwrap();
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64.decode(claims).unwrap()).unwrap()
}

/// What Roster says to the access token of this answer.
async fn here(roster: &Roster, answer: &Answer) -> u16 {
    let token = answer.body["accessToken"].as_str().unwrap();
    let own = roster.call("GET /users/me", token, &Value::Null).await;
    own.status.as_u16()
}

async fn sign_in(roster: &Roster, email: &str, audience: &str) -> Answer {
    let body = json!({"email": email, "password": PASSWORD, "audience": audience});
    roster.post("/sessions", &body).await
}

#[test]
fn a_token_of_another_service_is_refused_here_and_the_session_goes_on() {
    on_own_stack(&PARAMETERS, async |roster| {
        let ann = roster.newcomer("audience").await;
        let billing = sign_in(roster, &ann.email, "billing").await;
        assert_eq!(billing.status, 201, "{:?}", billing.body);
        let told = claims(&billing);
        assert_eq!(
            (&told["aud"], &told["client_id"]),
            (&json!("billing"), &json!("roster"))
        );
        assert_eq!(told["email_verified"], false);
        let lifetime = told["exp"].as_i64().unwrap() - told["iat"].as_i64().unwrap();
        assert_eq!((lifetime, &billing.body["expiresIn"]), (60, &json!(60)));
        assert_eq!(here(roster, &billing).await, 401);

        let refresh = async |before: &Answer, audience: Option<&str>| {
            let mut body = json!({"refreshToken": before.body["refreshToken"]});
            if let Some(audience) = audience {
                body["audience"] = json!(audience);
            }
            roster.post("/sessions/refresh", &body).await
        };
        let unknown = refresh(&billing, Some("wages")).await;
        assert_eq!(unknown.problem(), (422, "invalid"));
        let own = refresh(&billing, None).await;
        assert_eq!((own.status.as_u16(), here(roster, &own).await), (200, 200));
        // The answer got lost: the repetition asks for another service, and gets the same successor.
        let reports = refresh(&billing, Some("https://reports.example.com")).await;
        assert_eq!(claims(&reports)["aud"], "https://reports.example.com");
        assert_eq!(reports.body["refreshToken"], own.body["refreshToken"]);
        assert_eq!(here(roster, &reports).await, 401);

        let unknown = sign_in(roster, &ann.email, "roster").await;
        assert_eq!(unknown.problem(), (422, "invalid"));
        assert_eq!(unknown.body["errors"][0]["code"], "unknown-audience");

        let discovery = roster.get("/.well-known/openid-configuration").await;
        let supported = discovery.body["claims_supported"].as_array().unwrap();
        assert!(supported.contains(&json!("email_verified")));
    });
}

#[test]
fn without_parameters_a_token_is_for_roster_and_says_no_more_than_it_did() {
    on_shared_stack(async |roster| {
        let email = unique_email("own");
        roster.sign_up(&email).await;
        let own = roster.sign_in(&email).await;
        let told = claims(&own);
        assert_eq!(told["aud"], "roster");
        assert!(told.get("email_verified").is_none());
        assert_eq!(own.body["expiresIn"], 600);
        let unknown = sign_in(roster, &email, "billing").await;
        assert_eq!(unknown.problem(), (422, "invalid"));
    });
}
