use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use serde_json::{Value, json};

use super::*;
use crate::oidc::{
    keys::Keys,
    signer::{Signer, unsigned},
};

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://id.example.com";
const WRONG_TYPE: &str = "a claim that counts is missing or of a wrong type";

/// What comes of a token with this header and these claims, where the key is published as `jwk`.
fn judge(jwk: &Value, token: &str) -> Result<Claims, &'static str> {
    let metadata = serde_json::from_value(json!({
        "issuer": ISSUER,
        "authorization_endpoint": ISSUER,
        "token_endpoint": ISSUER,
        "jwks_uri": ISSUER,
        "id_token_signing_alg_values_supported": ["none", "HS256", "RS256", "RS512", "ES256"],
    }));
    let header = header(token, &metadata.unwrap())?;
    let keys = json!({"keys": [jwk], "fetched_at": Timestamp::from_seconds(NOW)});
    let keys: Keys = serde_json::from_value(keys).unwrap();
    let key = keys.find(header.kid.as_deref(), header.alg);
    let nonce = "n-0123456789abcdef".parse().unwrap();
    let expected = Expected {
        issuer: ISSUER,
        client_id: "roster",
        nonce: &nonce,
        now: Timestamp::from_seconds(NOW),
    };
    verify(token, key.ok_or("no key")?, header.alg, &expected)
}

impl Signer {
    fn judge_claims(&self, claims: &Value) -> Result<Claims, &'static str> {
        let header = json!({"alg": "RS256", "kid": self.pair.public.kid});
        judge(&self.jwk, &self.sign(&header, claims))
    }
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "248289761001", "aud": "roster", "nonce": "n-0123456789abcdef",
        "exp": NOW + 300, "iat": NOW, "email": "Ann@Example.com", "email_verified": true, "name": "Ann",
    })
}

/// The claims with one of them changed, or left out if it is null.
fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value,
    }
    claims
}

#[test]
fn a_token_for_us_and_for_now_is_good() {
    let signer = Signer::new();
    let good = signer.judge_claims(&claims()).unwrap();
    assert_eq!(
        (good.iss.as_str(), good.sub.as_str()),
        (ISSUER, "248289761001")
    );
    let profile = good.profile.into_profile(true).unwrap();
    assert_eq!(profile.email.unwrap().as_str(), "ann@example.com");
    assert!(profile.email_verified);
    assert_eq!(profile.name.unwrap().as_str(), "Ann");

    for (name, value) in [
        ("aud", json!(["roster"])),
        ("azp", json!("roster")),
        ("exp", json!(NOW - 29)),
        ("exp", json!(1e300)),
        ("exp", json!(u64::MAX)),
        ("iat", json!(-1)),
        ("iat", json!(1_800_000_029.75)),
        ("iat", json!(NOW + 30)),
        ("nbf", json!(NOW + 30)),
        ("sub", json!("s".repeat(255))),
    ] {
        assert!(signer.judge_claims(&with(name, value)).is_ok(), "{name}");
    }
    let mut shared = with("azp", json!("roster"));
    shared["aud"] = json!(["roster", "other"]);
    assert!(signer.judge_claims(&shared).is_ok());
    let strong = json!({"alg": "RS512", "kid": signer.pair.public.kid});
    assert!(judge(&signer.jwk, &signer.sign(&strong, &claims())).is_ok());
    let nameless = signer.sign(&json!({"alg": "RS256"}), &claims());
    assert!(judge(&signer.jwk, &nameless).is_ok());
}

#[test]
fn whatever_it_should_not_say_makes_it_bad() {
    let signer = Signer::new();
    for (name, value, reason) in [
        (
            "iss",
            json!("https://id.example.com/"),
            "it is another issuer's",
        ),
        (
            "iss",
            json!("https://evil.example.com"),
            "it is another issuer's",
        ),
        ("aud", json!("other"), "it is for another client"),
        ("aud", json!([]), "it is for another client"),
        (
            "aud",
            json!(["roster", "other"]),
            "it is for others too, and not given to us",
        ),
        ("azp", json!("other"), "it was given to another client"),
        ("exp", json!(NOW - 30), "it has expired"),
        ("exp", json!(1_799_999_969.5), "it has expired"),
        ("exp", json!(-1e300), "it has expired"),
        ("iat", json!(1_800_000_030.5), "it is from the future"),
        ("iat", json!(NOW + 31), "it is from the future"),
        ("nbf", json!(NOW + 31), "it is from the future"),
        (
            "nonce",
            json!("n-another-sign-in"),
            "it was made for another sign-in",
        ),
        ("nonce", Value::Null, "it was made for another sign-in"),
        ("sub", json!(""), "its subject is none"),
        ("sub", json!("s".repeat(256)), "its subject is none"),
        ("sub", Value::Null, WRONG_TYPE),
        ("aud", Value::Null, WRONG_TYPE),
        ("exp", Value::Null, WRONG_TYPE),
        ("iat", Value::Null, WRONG_TYPE),
        ("exp", json!((NOW + 300).to_string()), WRONG_TYPE),
        ("nbf", json!("now"), WRONG_TYPE),
        ("azp", json!(["roster"]), WRONG_TYPE),
        ("nonce", json!(1), WRONG_TYPE),
        ("sub", json!(1), WRONG_TYPE),
        ("iss", Value::Null, WRONG_TYPE),
    ] {
        let claims = signer.judge_claims(&with(name, value.clone()));
        assert_eq!(claims.unwrap_err(), reason, "{name}: {value}");
    }
}

#[test]
fn a_signature_that_proves_nothing_makes_it_bad() {
    let (signer, other) = (Signer::new(), Signer::new());
    let kid = &signer.pair.public.kid;
    let claims = claims();
    let refused = |jwk: &Value, token: &str| judge(jwk, token).unwrap_err();

    let header = json!({"alg": "RS256", "kid": kid});
    let forged = other.sign(&header, &claims);
    assert_eq!(refused(&signer.jwk, &forged), "its signature is wrong");
    let cut = format!("{}.", unsigned(&header, &claims));
    assert_eq!(refused(&signer.jwk, &cut), "its signature is wrong");

    let none = format!(
        "{}.",
        unsigned(&json!({"alg": "none", "kid": kid}), &claims)
    );
    assert_eq!(refused(&signer.jwk, &none), "it is no JWT");

    // The public key, which everybody knows, as the secret of an HMAC (RFC 8725, 2.1).
    let confused = unsigned(&json!({"alg": "HS256", "kid": kid}), &claims);
    let secret = hmac::Key::new(hmac::HMAC_SHA256, signer.pair.public.n.as_bytes());
    let tag = BASE64.encode(hmac::sign(&secret, confused.as_bytes()));
    let confused = format!("{confused}.{tag}");
    let wrong = "its algorithm is not one for ID tokens";
    assert_eq!(refused(&signer.jwk, &confused), wrong);
    let symmetric = json!({"kty": "oct", "kid": kid, "k": BASE64.encode("secret")});
    assert_eq!(refused(&symmetric, &confused), wrong);

    // The provider does not sign by PS256, by its own words.
    let undeclared = signer.sign(&json!({"alg": "PS256", "kid": kid}), &claims);
    assert_eq!(refused(&signer.jwk, &undeclared), wrong);

    let critical = json!({"alg": "RS256", "kid": kid, "crit": ["exp"]});
    let critical = signer.sign(&critical, &claims);
    assert_eq!(
        refused(&signer.jwk, &critical),
        "it has critical extensions"
    );
}

/// What is encrypted for somebody may be from anybody.
#[test]
fn what_is_encrypted_and_not_signed_is_no_id_token() {
    let signer = Signer::new();
    let header = json!({"alg": "RSA-OAEP", "enc": "A256GCM", "kid": signer.pair.public.kid});
    let raw = unsigned(&header, &claims());
    let nested = BASE64.encode(signer.sign(&json!({"alg": "RS256"}), &claims()));
    for rest in [
        "",
        "..",
        "..iv.text",
        "...",
        &format!(".{nested}.iv.tag"),
        &format!(".{nested}"),
    ] {
        assert!(
            judge(&signer.jwk, &format!("{raw}{rest}")).is_err(),
            "{rest}"
        );
    }
}

#[test]
fn a_key_is_used_for_what_it_was_made_for() {
    let signer = Signer::new();
    let kid = &signer.pair.public.kid;
    let token = signer.sign(&json!({"alg": "RS256", "kid": kid}), &claims());
    let published = |name: &str, value: Value| {
        let mut jwk = signer.jwk.clone();
        jwk[name] = value;
        jwk
    };
    for good in [
        published("use", json!("sig")),
        published("alg", json!("RS256")),
        published("key_ops", json!(["verify"])),
    ] {
        assert!(judge(&good, &token).is_ok(), "{good}");
    }
    for bad in [
        published("use", json!("enc")),
        published("alg", json!("RS512")),
        published("alg", json!("RSA-OAEP")),
        published("key_ops", json!(["encrypt"])),
        published("kid", json!("another")),
        json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": BASE64.encode([7; 32])}),
    ] {
        assert_eq!(judge(&bad, &token).unwrap_err(), "no key", "{bad}");
    }
}

#[test]
fn what_is_told_in_an_unknown_way_is_not_told() {
    let profile = |claims: Value| {
        let claims: ProfileClaims = serde_json::from_value(claims).unwrap();
        claims.into_profile(true)
    };
    assert_eq!(
        profile(json!({"name": "Ann", "email_verified": true})),
        None
    );
    let email = "ann@example.com";
    for (verified, expected) in [
        (json!(true), true),
        (json!("true"), true),
        (json!(false), false),
        (json!("yes"), false),
        (json!(1), true),
        (json!(1.0), true),
        (json!(0), false),
        (json!(2), false),
        (json!([true]), false),
        (json!({"value": true}), false),
        (Value::Null, false),
    ] {
        let claims = profile(json!({"email": email, "email_verified": verified})).unwrap();
        assert_eq!(claims.email_verified, expected, "{verified}");
        let claims = json!({"email": email, "email_verified": verified});
        let claims: ProfileClaims = serde_json::from_value(claims).unwrap();
        let unproven = claims.into_profile(false).unwrap();
        assert!(!unproven.email_verified && unproven.email.is_some());
    }
    let odd = profile(json!({"email": "ann", "email_verified": true, "name": " "}));
    assert_eq!(odd, Some(IdentityProfile::default()));
}

/// Of each type that JSON has.
#[test]
fn a_claim_that_does_not_count_breaks_nothing_whatever_its_type() {
    let signer = Signer::new();
    let odd = [
        json!(null),
        json!(true),
        json!(-1.5),
        json!("x"),
        json!([null, {"a": 1}]),
        json!({"a": [1]}),
    ];
    for name in [
        "email",
        "email_verified",
        "name",
        "auth_time",
        "locale",
        "address",
    ] {
        for value in &odd {
            let mut claims = claims();
            claims[name] = value.clone();
            let read = signer.judge_claims(&claims);
            assert!(read.is_ok(), "{name}: {value}: {read:?}");
        }
    }
    let odd = signer
        .judge_claims(&with("auth_time", json!("2026-01-01")))
        .unwrap();
    assert!(odd.auth_time.is_none(), "no proof of a fresh sign-in");
    let time = signer
        .judge_claims(&with("auth_time", json!(1.5)))
        .unwrap()
        .auth_time;
    assert_eq!(time.unwrap().0, Timestamp::from_micros(1_500_000));
}
