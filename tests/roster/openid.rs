//! An OpenID provider in this process, and an application that sends people to one.

use std::{
    collections::HashMap,
    net::TcpListener,
    sync::{Arc, Mutex},
};

use aws_lc_rs::{
    digest::{SHA256, digest},
    hmac,
    rand::{self, SystemRandom},
    rsa::{KeyPair, KeySize},
    signature::{KeyPair as _, RSA_PKCS1_SHA256},
};
use axum::{
    Form, Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use base64::{Engine as _, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use reqwest::{Client, Url, redirect::Policy};
use serde_json::{Value, json};

use crate::support::{Roster, on_own_stack_with, patiently};

/// How the providers call Roster.
pub const CLIENT_ID: &str = "roster";

/// The provider of this name does not prove addresses.
pub const UNTRUSTED: &str = "untrusted";

/// What Roster proves itself with.
pub const CLIENT_SECRET: &str = "a secret of the conformance run";

/// Where that is kept.
const SECRETS_PATH: &str = "/roster/identity-providers";

const REDIRECT_URI: &str = "https://app.example.com/callback";

/// By what an ID token is signed.
#[derive(Clone, Copy, PartialEq)]
pub enum Signature {
    /// By the provider's key.
    Genuine,
    /// By a key which the provider does not publish.
    Unknown,
    /// By another key than the one it names.
    Forged,
    /// By the provider's public key, as if it were a secret.
    Confused,
    /// Not at all.
    None,
}

/// A provider.
#[derive(Clone)]
pub struct Provider(Arc<Inner>);

struct Inner {
    issuer: String,
    listener: Mutex<Option<TcpListener>>,
    key: Key,
    other_key: Key,
    people: Mutex<HashMap<String, (Value, Signature)>>,
    codes: Mutex<HashMap<String, HashMap<String, String>>>,
    key_requests: Mutex<usize>,
}

struct Key {
    kid: &'static str,
    pair: KeyPair,
}

impl Key {
    fn new(kid: &'static str) -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        Self { kid, pair }
    }

    fn modulus(&self) -> String {
        let modulus = self.pair.public_key().modulus();
        BASE64.encode(modulus.big_endian_without_leading_zero())
    }

    fn sign(&self, message: &str) -> String {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let (random, message) = (SystemRandom::new(), message.as_bytes());
        self.pair
            .sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
            .unwrap();
        BASE64.encode(signature)
    }
}

impl Provider {
    /// A provider with an address, which answers once it is [served](Self::serve).
    pub fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(Arc::new(Inner {
            issuer: format!("http://{}", listener.local_addr().unwrap()),
            listener: Mutex::new(Some(listener)),
            key: Key::new("key-1"),
            other_key: Key::new("key-2"),
            people: Mutex::default(),
            codes: Mutex::default(),
            key_requests: Mutex::default(),
        }))
    }

    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// Answers from now on.
    pub fn serve(&self) {
        let listener = self.0.listener.lock().unwrap().take().unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/keys", get(keys))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
    }

    /// Somebody has an account here, under this name. `claims` go into ID tokens, over those that are
    /// there by themselves.
    pub fn knows(&self, login: &str, claims: Value) {
        self.signs(login, claims, Signature::Genuine);
    }

    /// The same, with ID tokens that are signed like this.
    pub fn signs(&self, login: &str, claims: Value, signature: Signature) {
        let mut people = self.0.people.lock().unwrap();
        people.insert(login.to_owned(), (claims, signature));
    }

    /// How often the keys were asked for.
    pub fn key_requests(&self) -> usize {
        *self.0.key_requests.lock().unwrap()
    }

    fn id_token(&self, request: &HashMap<String, String>) -> String {
        let (own, signature) = self.0.people.lock().unwrap()[&request["login_hint"]].clone();
        let now = jsonwebtoken::get_current_timestamp();
        let mut claims = json!({
            "iss": self.issuer(), "sub": request["login_hint"], "aud": CLIENT_ID,
            "nonce": request["nonce"], "iat": now, "exp": now + 60,
        });
        if request.contains_key("max_age") {
            claims["auth_time"] = json!(now);
        }
        for (name, value) in own.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let Inner { key, other_key, .. } = &*self.0;
        let (alg, kid) = match signature {
            Signature::Genuine | Signature::Forged => ("RS256", key.kid),
            Signature::Unknown => ("RS256", other_key.kid),
            Signature::Confused => ("HS256", key.kid),
            Signature::None => ("none", key.kid),
        };
        let header = json!({"alg": alg, "kid": kid});
        let part = |value: &Value| BASE64.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(&claims));
        let signed = match signature {
            Signature::Genuine => key.sign(&message),
            Signature::Unknown | Signature::Forged => other_key.sign(&message),
            Signature::Confused => {
                let secret = hmac::Key::new(hmac::HMAC_SHA256, key.modulus().as_bytes());
                BASE64.encode(hmac::sign(&secret, message.as_bytes()))
            }
            Signature::None => String::new(),
        };
        format!("{message}.{signed}")
    }
}

async fn metadata(State(provider): State<Provider>) -> Json<Value> {
    let issuer = provider.issuer();
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
        "token_endpoint_auth_methods_supported": null,
        "userinfo_endpoint": null,
    }))
}

async fn keys(State(provider): State<Provider>) -> Json<Value> {
    *provider.0.key_requests.lock().unwrap() += 1;
    let key = &provider.0.key;
    Json(json!({"keys": [{"kty": "RSA", "kid": key.kid, "n": key.modulus(), "e": "AQAB"}]}))
}

/// Nobody is asked for a password: who `login_hint` names is there.
async fn authorize(
    State(provider): State<Provider>,
    Query(request): Query<HashMap<String, String>>,
) -> Redirect {
    let code = random();
    let answer = [
        ("code", &code),
        ("state", &request["state"]),
        ("iss", &provider.0.issuer),
    ];
    let url = Url::parse_with_params(&request["redirect_uri"], answer).unwrap();
    provider.0.codes.lock().unwrap().insert(code, request);
    Redirect::to(url.as_str())
}

async fn token(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let secret = CLIENT_SECRET.replace(' ', "+");
    let basic = BASE64_STANDARD.encode(format!("{CLIENT_ID}:{secret}"));
    if headers.get(header::AUTHORIZATION).unwrap().as_bytes() != format!("Basic {basic}").as_bytes()
    {
        let problem = Json(json!({"error": "invalid_client"}));
        return (StatusCode::UNAUTHORIZED, problem).into_response();
    }
    let request = provider.0.codes.lock().unwrap().remove(&form["code"]);
    let good = request.filter(|request| {
        request["redirect_uri"] == form["redirect_uri"]
            && request["code_challenge"] == challenge(&form["code_verifier"])
    });
    let Some(request) = good else {
        let problem = Json(json!({"error": "invalid_grant"}));
        return (StatusCode::BAD_REQUEST, problem).into_response();
    };
    let id_token = provider.id_token(&request);
    Json(json!({"token_type": "Bearer", "access_token": "x", "id_token": id_token})).into_response()
}

/// Runs a test on a stack of its own that trusts these providers.
pub fn on_stack_trusting(providers: &[(&str, &str)], test: impl AsyncFnOnce(&Roster)) {
    on_stack_trusting_under(&[], providers, test);
}

/// The same with values for more parameters of the template.
fn on_stack_trusting_under(
    parameters: &[(&str, &str)],
    providers: &[(&str, &str)],
    test: impl AsyncFnOnce(&Roster),
) {
    let list = providers.iter();
    let list: Vec<_> = list
        .map(|(name, issuer)| {
            let proves_email = *name != UNTRUSTED;
            json!({
                "name": name,
                "issuer": issuer,
                "clientId": CLIENT_ID,
                "provesEmail": proves_email,
            })
        })
        .collect();
    let list = json!(list).to_string();
    let mut parameters = parameters.to_vec();
    parameters.extend([
        ("IdentityProviders", &*list),
        ("LoopbackIdentityProviders", "true"),
    ]);
    let secrets = providers.iter().map(|(name, _)| {
        let name = format!("{SECRETS_PATH}/{name}");
        (name, CLIENT_SECRET.to_owned())
    });
    on_own_stack_with(&parameters, secrets.collect(), test);
}

/// Runs a test on a stack of its own with a provider, which the test gets as it is and as clients see
/// it.
pub fn with_provider(test: impl AsyncFnOnce(&Roster, &Provider, &Value)) {
    with_provider_under(&[], test);
}

/// The same with values for more parameters of the template.
pub fn with_provider_under(
    parameters: &[(&str, &str)],
    test: impl AsyncFnOnce(&Roster, &Provider, &Value),
) {
    let provider = Provider::bind();
    let providers = [("a", provider.issuer())];
    on_stack_trusting_under(parameters, &providers, async |roster| {
        provider.serve();
        let listed = roster.get("/identity-providers").await;
        test(roster, &provider, &listed.body["data"][0]).await;
    });
}

/// Sends somebody to a provider, as `GET /identity-providers` shows it, and gives what an application
/// then hands over.
pub async fn visit(provider: &Value, login: &str) -> Value {
    visit_with(provider, login, &[]).await
}

/// The same, with more parameters for the provider.
pub async fn visit_with(provider: &Value, login: &str, more: &[(&str, &str)]) -> Value {
    let (state, nonce, verifier) = (random(), random(), random());
    let text = |name: &str| provider[name].as_str().unwrap().to_owned();
    let scopes: Vec<_> = provider["scopes"].as_array().unwrap().iter().collect();
    let scopes: Vec<_> = scopes.iter().map(|scope| scope.as_str().unwrap()).collect();
    let request = [
        ("response_type", "code"),
        ("client_id", &text("clientId")),
        ("redirect_uri", REDIRECT_URI),
        ("scope", &scopes.join(" ")),
        ("state", &state),
        ("nonce", &nonce),
        ("code_challenge", &challenge(&verifier)),
        ("code_challenge_method", "S256"),
        ("login_hint", login),
    ];
    let request = request.iter().chain(more);
    let start = Url::parse_with_params(&text("authorizationEndpoint"), request).unwrap();
    let back = patiently("the way back", browse(start)).await;
    let answer: HashMap<_, _> = back.query_pairs().into_owned().collect();
    assert_eq!(answer.get("state"), Some(&state), "{back}");
    assert_eq!(answer.get("iss"), Some(&text("issuer")));
    json!({
        "provider": provider["name"],
        "code": answer["code"],
        "codeVerifier": verifier,
        "nonce": nonce,
        "redirectUri": REDIRECT_URI,
    })
}

/// Follows a provider's redirections, with its cookies, back to the application.
async fn browse(mut url: Url) -> Url {
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let mut cookies: HashMap<String, String> = HashMap::new();
    while !url.as_str().starts_with(REDIRECT_URI) {
        let sent: Vec<_> = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = client.get(url.clone()).header("cookie", sent.join("; "));
        let response = request.send().await.unwrap();
        assert!(response.status().is_redirection(), "{url}: {response:?}");
        for cookie in response.headers().get_all("set-cookie") {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            cookies.insert(name.to_owned(), value.to_owned());
        }
        let location = response.headers()["location"].to_str().unwrap();
        url = url.join(location).unwrap();
    }
    url
}

/// RFC 7636, 4.2.
fn challenge(verifier: &str) -> String {
    BASE64.encode(digest(&SHA256, verifier.as_bytes()))
}

fn random() -> String {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).unwrap();
    BASE64.encode(bytes)
}
