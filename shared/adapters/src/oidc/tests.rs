//! Against a provider that speaks HTTP, and says whatever a test wants.

mod site;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use self::site::{DISCOVERY, Memory, NONCE, Site, lock};
use super::{signer::Signer, *};

/// Makes an answer of a provider's metadata that is none.
type Spoil = dyn Fn(Value) -> (u16, String);

const LAG: Duration = Duration::from_secs(5);

fn authorization() -> Authorization {
    Authorization {
        provider: "a".parse().unwrap(),
        code: "the-code".parse().unwrap(),
        code_verifier: "v".repeat(43).parse().unwrap(),
        nonce: NONCE.parse().unwrap(),
        redirect_uri: "https://app.example.com/cb?a=b".parse().unwrap(),
    }
}

async fn redeem(oidc: &Oidc) -> Result<ExternalIdentity> {
    oidc.redeem(&authorization()).await
}

fn refusal<T: fmt::Debug>(result: Result<T>) -> Refusal {
    match result {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("no refusal: {other:?}"),
    }
}

fn is_unavailable<T: fmt::Debug>(result: Result<T>) -> bool {
    matches!(refusal(result), Refusal::ProviderUnavailable(_))
}

#[tokio::test]
async fn a_code_is_exchanged_for_who_it_was() {
    let key = Signer::new();
    let site = Site::open(&key).await;
    site.grant(&key, &site.claims());
    let external = redeem(&site.trusted()).await.unwrap();
    let identity = LoginKey::Oidc {
        issuer: site.issuer.clone(),
        subject: "1".to_owned(),
    };
    assert_eq!(external.identity, identity);
    let profile = external.profile.unwrap();
    assert_eq!(profile.email.unwrap().as_str(), "ann@example.com");
    assert!(profile.email_verified);
    let request = site.requests("/token").remove(0);
    let verifier = "v".repeat(43);
    let form = format!(
        "grant_type=authorization_code&code=the-code&\
         redirect_uri=https%3A%2F%2Fapp.example.com%2Fcb%3Fa%3Db&code_verifier={verifier}"
    );
    assert!(request.ends_with(&form), "{request}");
    // RFC 6749, 2.3.1: encoded, then joined.
    let basic = BASE64_STANDARD.encode("roster:s3cret%2F%2B+%26");
    assert!(request.contains(&format!("Basic {basic}")), "{request}");
}

/// A provider that the deployment lists no longer is none, whatever it would say: nobody is asked.
#[tokio::test]
async fn what_is_no_longer_listed_is_no_provider() {
    let key = Signer::new();
    let site = Site::open(&key).await;
    site.grant(&key, &site.claims());
    let oidc = site.trusted();
    for gone in ["b", "a-2"] {
        let authorization = Authorization {
            provider: gone.parse().unwrap(),
            ..authorization()
        };
        let outcome = oidc.redeem(&authorization).await;
        let Err(Error::Invalid(errors)) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(errors[0].code, "unknown-provider");
    }
    assert!(site.requests("/token").is_empty());
    assert!(redeem(&oidc).await.is_ok(), "the test works");
}

#[tokio::test]
async fn a_client_proves_who_it_is_as_the_provider_wants() {
    let key = Signer::new();
    let site = Site::open(&key).await;
    site.grant(&key, &site.claims());
    let mut metadata = site.metadata();
    metadata["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
    site.answer(DISCOVERY, 200, &metadata);
    redeem(&site.trusted()).await.unwrap();
    let request = site.requests("/token").remove(0);
    assert!(request.ends_with("&client_id=roster&client_secret=s3cret%2F%2B+%26"));
    assert!(!request.contains("Basic"));

    redeem(&site.trusted_with(None)).await.unwrap();
    let public = site.requests("/token").remove(0);
    assert!(public.ends_with("&client_id=roster"), "{public}");

    let another = Site::open(&key).await;
    let mut metadata = another.metadata();
    metadata["token_endpoint_auth_methods_supported"] = json!(["private_key_jwt"]);
    another.answer(DISCOVERY, 200, &metadata);
    assert!(is_unavailable(redeem(&another.trusted()).await));
}

#[tokio::test]
async fn what_a_provider_publishes_is_asked_for_once_an_hour_by_all_processes() {
    let key = Signer::new();
    let site = Site::open(&key).await;
    site.grant(&key, &site.claims());
    for process in [site.trusted(), site.trusted()] {
        for _ in 0..2 {
            redeem(&process).await.unwrap();
        }
    }
    let requests = lock(&site.requests).len();
    assert_eq!(requests, 1 + 1 + 4, "discovery, keys, codes");
    site.memory.advance(LIFETIME);
    site.requests("");
    site.grant(&key, &site.claims());
    redeem(&site.trusted()).await.unwrap();
    assert_eq!(lock(&site.requests).len(), 3);
}

#[tokio::test]
async fn a_new_key_is_found_and_invented_ones_cost_little() {
    let (old, new, forged) = (Signer::new(), Signer::new(), Signer::new());
    let site = Site::open(&old).await;
    let process = site.trusted();
    site.grant(&old, &site.claims());
    redeem(&process).await.unwrap();
    site.requests("");

    site.publish(&[&new, &old]);
    site.grant(&new, &site.claims());
    // The keys were fetched just now.
    assert_eq!(refusal(redeem(&process).await), Refusal::InvalidCredentials);
    assert!(site.requests("/keys").is_empty());
    site.memory.advance(LOOK_AGAIN_AFTER);
    site.grant(&new, &site.claims());
    redeem(&process).await.unwrap();
    assert_eq!(site.requests("/keys").len(), 1);
    // Another process has it from the store.
    redeem(&site.trusted()).await.unwrap();
    assert!(site.requests("/keys").is_empty());

    site.memory.advance(LOOK_AGAIN_AFTER);
    site.grant(&forged, &site.claims());
    for _ in 0..3 {
        assert_eq!(refusal(redeem(&process).await), Refusal::InvalidCredentials);
    }
    assert_eq!(site.requests("/keys").len(), 1);
}

#[tokio::test]
async fn a_refused_code_is_the_callers_fault_and_a_refused_client_is_not() {
    let key = Signer::new();
    let site = Site::open(&key).await;
    let process = site.trusted();
    for (status, body, is_callers) in [
        (400, r#"{"error": "invalid_grant"}"#, true),
        (400, r#"{"error": "invalid_request"}"#, true),
        (400, r#"{"error": "invalid_client"}"#, false),
        (400, r#"{"error": "unauthorized_client"}"#, false),
        (401, r#"{"error": "invalid_client"}"#, false),
        (429, "", false),
        (500, "", false),
        (302, "", false),
        (200, "", false),
        (200, r#"{"access_token": "x"}"#, false),
    ] {
        site.answer("/token", status, &body);
        let refused = refusal(redeem(&process).await);
        let is_right = match refused {
            Refusal::InvalidCredentials => is_callers,
            Refusal::ProviderUnavailable(_) => !is_callers,
            _ => false,
        };
        assert!(is_right, "{status} {body}: {refused:?}");
    }
    assert!(
        site.requests("/elsewhere").is_empty(),
        "no redirection is followed"
    );
}

#[tokio::test]
async fn a_token_that_is_not_for_this_sign_in_is_refused() {
    let (key, other) = (Signer::new(), Signer::new());
    let site = Site::open(&key).await;
    let process = site.trusted();
    for (name, value) in [
        ("nonce", json!("of-another-sign-in")),
        ("aud", json!("another")),
        ("iss", json!("https://evil.example.com")),
        ("exp", json!(site.memory.now().as_seconds() - 30)),
    ] {
        let mut claims = site.claims();
        claims[name] = value;
        site.grant(&key, &claims);
        assert_eq!(
            refusal(redeem(&process).await),
            Refusal::InvalidCredentials,
            "{name}"
        );
    }
    site.grant(&other, &site.claims());
    assert_eq!(refusal(redeem(&process).await), Refusal::InvalidCredentials);
    let unknown = Authorization {
        provider: "b".parse().unwrap(),
        ..authorization()
    };
    let answer = process.redeem(&unknown).await;
    assert!(matches!(answer, Err(Error::Invalid(errors)) if errors[0].pointer == "/provider"));
}

#[tokio::test]
async fn a_provider_that_says_what_it_should_not_is_not_asked_further() {
    let key = Signer::new();
    let wrong = |name: &'static str, value: &'static str| {
        move |mut metadata: Value| {
            metadata[name] = json!(value);
            (200, metadata.to_string())
        }
    };
    let spoilt: [Box<Spoil>; 7] = [
        Box::new(wrong("issuer", "https://evil.example.com")),
        Box::new(|mut metadata| {
            metadata["issuer"] = json!(format!("{}/", metadata["issuer"].as_str().unwrap()));
            (200, metadata.to_string())
        }),
        Box::new(wrong("token_endpoint", "http://id.example.com/token")),
        Box::new(wrong("jwks_uri", "file:///etc/passwd")),
        Box::new(|metadata| (302, metadata.to_string())),
        Box::new(|_| (200, "{}".to_owned())),
        Box::new(|mut metadata| {
            metadata["padding"] = json!("x".repeat(300 * 1024));
            (200, metadata.to_string())
        }),
    ];
    for spoil in spoilt {
        let site = Site::open(&key).await;
        let (status, body) = spoil(site.metadata());
        site.answer(DISCOVERY, status, &body);
        let process = site.trusted();
        assert!(is_unavailable(redeem(&process).await));
        assert_eq!(process.list().await.unwrap(), []);
        assert!(site.requests("/token").is_empty());
        // It is not remembered.
        site.grant(&key, &site.claims());
        let metadata = site.metadata();
        site.answer(DISCOVERY, 200, &metadata);
        assert!(redeem(&process).await.is_ok());
        let listed = process.list().await.unwrap().remove(0);
        assert_eq!(
            listed.authorization_endpoint,
            format!("{}/authorize", site.issuer)
        );
    }
}

#[tokio::test]
async fn metadata_with_odd_members_is_read_as_if_they_were_missing() {
    let key = Signer::new();
    for odd in [json!(null), json!("RS256"), json!({"a": 1})] {
        let site = Site::open(&key).await;
        site.grant(&key, &site.claims());
        let mut metadata = site.metadata();
        for name in [
            "id_token_signing_alg_values_supported",
            "token_endpoint_auth_methods_supported",
            "claims_supported",
        ] {
            metadata[name] = odd.clone();
        }
        site.answer(DISCOVERY, 200, &metadata);
        redeem(&site.trusted()).await.unwrap();
        let request = site.requests("/token").remove(0);
        assert!(request.contains("Basic"), "the default: {request}");
    }
    let site = Site::open(&key).await;
    site.grant(&key, &site.claims());
    let mut metadata = site.metadata();
    metadata["id_token_signing_alg_values_supported"] = json!([null, "RS256", "new-kid", 7]);
    site.answer(DISCOVERY, 200, &metadata);
    assert!(redeem(&site.trusted()).await.is_ok());
}

#[tokio::test]
async fn user_info_with_odd_members_is_read() {
    let key = Signer::new();
    let site = Site::open(&key).await;
    let process = site.trusted();
    let mut claims = site.claims();
    claims["email"] = json!(["ann@example.com"]);
    site.grant(&key, &claims);
    let external = redeem(&process).await.unwrap();
    let info = json!({"sub": "1", "email": "ann@example.com", "email_verified": 1, "name": {}});
    site.answer("/userinfo", 200, &info);
    let profile = process.profile(&external).await.unwrap();
    assert!(profile.email_verified && profile.name.is_none());
    site.answer("/userinfo", 200, &json!({"sub": "1", "email": {}}));
    let profile = process.profile(&external).await.unwrap();
    assert_eq!(profile, IdentityProfile::default());
}

#[tokio::test]
async fn a_provider_that_is_away_is_unavailable() {
    let memory = Memory::new();
    // Bound and not listened to any more.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let providers = json!([{"name": "a", "issuer": format!("http://{address}"), "clientId": "x"}]);
    let providers: Providers = providers.to_string().parse().unwrap();
    let none = ClientSecrets::default();
    let away = Oidc::new(
        providers.clone(),
        none.clone(),
        true,
        memory.clone(),
        memory.clone(),
        LAG,
    );
    let away = away.unwrap();
    assert!(is_unavailable(redeem(&away).await));
    assert_eq!(away.list().await.unwrap(), []);

    let mut secrets = ClientSecrets::default();
    secrets.insert("b".parse().unwrap(), "x".into());
    let strange = Oidc::new(
        providers.clone(),
        secrets,
        true,
        memory.clone(),
        memory.clone(),
        LAG,
    );
    assert!(strange.is_err(), "a secret of no provider");
    let plain = Oidc::new(providers, none, false, memory.clone(), memory, LAG);
    assert!(plain.is_err(), "plain HTTP without permission");
}

#[tokio::test]
async fn a_profile_is_asked_for_only_if_the_token_has_none() {
    let key = Signer::new();
    let site = Site::open(&key).await;
    let process = site.trusted();
    site.grant(&key, &site.claims());
    let external = redeem(&process).await.unwrap();
    process.profile(&external).await.unwrap();
    assert!(site.requests("/userinfo").is_empty());

    let mut claims = site.claims();
    claims.as_object_mut().unwrap().remove("email");
    site.grant(&key, &claims);
    let external = redeem(&process).await.unwrap();
    let info = |subject: &str| json!({"sub": subject, "email": "ann@example.com", "name": "Ann"});
    site.answer("/userinfo", 200, &info("1"));
    let profile = process.profile(&external).await.unwrap();
    assert_eq!(profile.email.unwrap().as_str(), "ann@example.com");
    assert!(!profile.email_verified);
    let request = site.requests("/userinfo").remove(0);
    assert!(request.contains("Bearer for-user-info"), "{request}");

    site.answer("/userinfo", 200, &info("2"));
    let another = process.profile(&external).await;
    assert_eq!(refusal(another), Refusal::InvalidCredentials);
    site.answer("/userinfo", 500, &"");
    assert!(is_unavailable(process.profile(&external).await));
}
