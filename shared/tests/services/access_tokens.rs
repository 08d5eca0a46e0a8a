//! Which access tokens are taken: what Roster signed as one, for itself, and nothing that only looks like it.
//! What is forged here has the deployment's own key, so that the signature is never why it is refused.

use std::sync::Arc;

use adapters::jwt::Jwt;
use application::ports::{Clock as _, SigningKeys as _, TokenIssuer as _, TokenVerifier as _};
use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{
        KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
        RsaEncoding,
    },
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use domain::Roles;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use testing::FakeBackend;

const ISSUER: &str = "https://api.example.com";

/// Makes a signature.
type Sign<'a> = dyn Fn(&[u8]) -> Vec<u8> + 'a;

struct Forger {
    backend: Arc<FakeBackend>,
    gate: Jwt,
    key: KeyPair,
    /// Of a token that is taken.
    header: Value,
    claims: Value,
}

impl Forger {
    async fn new() -> Self {
        let backend = FakeBackend::new();
        let gate = Jwt::new(backend.known_ring(), backend.env(), "roster");
        gate.warm_up_to_sign().await.unwrap();
        let ann = backend.sign_up("Ann", Roles::new()).await;
        let user = backend.user(ann.id).unwrap();
        let session = backend.sessions_of(ann.id).remove(0);
        let issued = gate.issue(ISSUER.into(), &user, &session).await.unwrap();
        let [header, claims] = [0, 1].map(|part| {
            let text = issued.token.expose_secret().split('.').nth(part).unwrap();
            serde_json::from_slice::<Value>(&BASE64.decode(text).unwrap()).unwrap()
        });
        let kid = header["kid"].as_str().unwrap();
        let private = backend.private(kid).await.unwrap().unwrap();
        Self {
            key: KeyPair::from_pkcs8(private.expose_secret()).unwrap(),
            backend,
            gate,
            header,
            claims,
        }
    }

    /// Whether a token with this header, these claims and this signature opens anything.
    async fn is_taken(
        &self,
        header: &Value,
        claims: &Value,
        sign: impl Fn(&[u8]) -> Vec<u8>,
    ) -> bool {
        let [header, claims] = [header, claims].map(|part| BASE64.encode(part.to_string()));
        let signed = format!("{header}.{claims}");
        let token = format!("{signed}.{}", BASE64.encode(sign(signed.as_bytes())));
        self.gate.verify(ISSUER, &token).await.unwrap().is_some()
    }

    /// Whether one that is right but for `change` is taken; `Null` takes the member away.
    async fn takes(&self, part: Part, member: &str, value: Value) -> bool {
        let (mut header, mut claims) = (self.header.clone(), self.claims.clone());
        let changed = match part {
            Part::Header => &mut header,
            Part::Claims => &mut claims,
        };
        let members = changed.as_object_mut().unwrap();
        match value {
            Value::Null => members.remove(member),
            value => members.insert(member.to_owned(), value),
        };
        let sign = |text: &[u8]| rsa(&self.key, &RSA_PKCS1_SHA256, text);
        self.is_taken(&header, &claims, sign).await
    }
}

#[derive(Debug, Clone, Copy)]
enum Part {
    Header,
    Claims,
}

fn rsa(key: &KeyPair, encoding: &'static dyn RsaEncoding, text: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(encoding, &SystemRandom::new(), text, &mut signature)
        .unwrap();
    signature
}

#[tokio::test]
async fn an_access_token_of_another_algorithm_or_key_is_refused() {
    let forger = Forger::new().await;
    let key = &forger.key;
    let own = |text: &[u8]| rsa(key, &RSA_PKCS1_SHA256, text);
    let (header, claims) = (&forger.header, &forger.claims);
    assert!(forger.is_taken(header, claims, own).await, "the test works");

    let public = key.public_key().as_ref().to_vec();
    let other = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let cases: [(&str, &Sign<'_>); 8] = [
        ("none", &|_| Vec::new()),
        ("none", &own),
        ("HS256", &|text| {
            // The confusion: the public key as the secret of a MAC.
            let secret = hmac::Key::new(hmac::HMAC_SHA256, &public);
            hmac::sign(&secret, text).as_ref().to_vec()
        }),
        ("RS384", &|text| rsa(key, &RSA_PKCS1_SHA384, text)),
        ("RS512", &|text| rsa(key, &RSA_PKCS1_SHA512, text)),
        ("PS256", &|text| rsa(key, &RSA_PSS_SHA256, text)),
        ("RS256", &|_| Vec::new()),
        ("RS256", &|text| rsa(&other, &RSA_PKCS1_SHA256, text)),
    ];
    for (algorithm, sign) in cases {
        let mut header = header.clone();
        header["alg"] = json!(algorithm);
        assert!(!forger.is_taken(&header, claims, sign).await, "{algorithm}");
    }
    for kid in [json!("a-key-of-mine"), json!(""), Value::Null] {
        assert!(!forger.takes(Part::Header, "kid", kid).await);
    }
    // Where to find a key is not for the token to say.
    let mut header = header.clone();
    header["kid"] = json!("a-key-of-mine");
    header["jku"] = json!("https://evil.example.com/jwks.json");
    header["jwk"] = json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"});
    let sign = |text: &[u8]| rsa(&other, &RSA_PKCS1_SHA256, text);
    assert!(!forger.is_taken(&header, claims, sign).await);
}

#[tokio::test]
async fn a_token_of_another_type_is_no_access_token() {
    let forger = Forger::new().await;
    for typ in [json!("JWT"), json!("id+jwt"), json!("jwt"), Value::Null] {
        assert!(
            !forger.takes(Part::Header, "typ", typ.clone()).await,
            "{typ}"
        );
    }
}

#[tokio::test]
async fn an_access_token_for_or_from_somebody_else_is_refused() {
    let forger = Forger::new().await;
    for (claim, values) in [
        ("aud", [json!("billing"), json!(["billing"]), Value::Null]),
        (
            "iss",
            [json!("https://evil.example.com"), json!(""), Value::Null],
        ),
        ("sub", [json!("ann"), json!(7), Value::Null]),
    ] {
        for value in values {
            let is_taken = forger.takes(Part::Claims, claim, value.clone()).await;
            assert!(!is_taken, "{claim}: {value}");
        }
    }
}

#[tokio::test]
async fn an_access_token_without_an_end_or_past_it_is_refused() {
    let forger = Forger::new().await;
    let now = forger.backend.now().as_seconds();
    assert!(forger.takes(Part::Claims, "exp", json!(now + 60)).await);
    for exp in [json!(now - 60), json!(0), json!("never"), Value::Null] {
        let is_taken = forger.takes(Part::Claims, "exp", exp.clone()).await;
        assert!(!is_taken, "{exp}");
    }
}
