//! Against a provider that speaks HTTP, and says whatever a test wants.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use application::ports::CacheEntry;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use domain::Timestamp;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

use super::{signer::Signer, *};

/// A shared cache and a clock.
#[derive(Default)]
struct Memory {
    entries: Mutex<BTreeMap<String, CacheEntry>>,
    micros: AtomicI64,
}

impl Memory {
    fn new() -> Arc<Self> {
        let memory = Self::default();
        memory.advance(Duration::from_hours(24 * 365 * 50));
        Arc::new(memory)
    }

    fn advance(&self, span: Duration) {
        let micros = i64::try_from(span.as_micros()).unwrap();
        self.micros.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for Memory {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.micros.load(Ordering::SeqCst))
    }
}

#[async_trait]
impl SharedCache for Memory {
    async fn get(&self, key: &str) -> Result<Option<CacheEntry>> {
        Ok(self.entries.lock().unwrap().get(key).cloned())
    }

    async fn put(&self, key: &str, entry: &CacheEntry) -> Result<()> {
        let mut entries = self.entries.lock().unwrap();
        entries.insert(key.to_owned(), entry.clone());
        Ok(())
    }

    async fn remove(&self, key: &str) -> Result<()> {
        self.entries.lock().unwrap().remove(key);
        Ok(())
    }

    async fn generation(&self, _: &str) -> Result<u64> {
        Ok(0)
    }

    async fn begin_generation(&self, _: &str) -> Result<()> {
        Ok(())
    }
}

const DISCOVERY: &str = "/.well-known/openid-configuration";
const NONCE: &str = "n-0123456789abcdef";
const SECRET: &str = "s3cret/+ &";

/// Makes an answer of a provider's metadata that is none.
type Spoil = dyn Fn(Value) -> (u16, String);

/// A provider.
struct Site {
    issuer: String,
    memory: Arc<Memory>,
    answers: Mutex<BTreeMap<&'static str, (u16, String)>>,
    requests: Mutex<Vec<String>>,
}

impl Site {
    /// A provider with a key, which knows nobody.
    async fn open(key: &Signer) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let site = Arc::new(Self {
            issuer: format!("http://{}", listener.local_addr().unwrap()),
            memory: Memory::new(),
            answers: Mutex::default(),
            requests: Mutex::default(),
        });
        let metadata = site.metadata();
        site.answer(DISCOVERY, 200, &metadata);
        site.publish(&[key]);
        let served = site.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                served.clone().serve(stream).await;
            }
        });
        site
    }

    fn metadata(&self) -> Value {
        let issuer = &self.issuer;
        json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "userinfo_endpoint": format!("{issuer}/userinfo"),
            "jwks_uri": format!("{issuer}/keys"),
        })
    }

    fn answer(&self, path: &'static str, status: u16, body: &impl ToString) {
        let answer = (status, body.to_string());
        lock(&self.answers).insert(path, answer);
    }

    fn publish(&self, keys: &[&Signer]) {
        let keys: Vec<_> = keys.iter().map(|key| &key.jwk).collect();
        self.answer("/keys", 200, &json!({"keys": keys}));
    }

    /// From now on a code gives what says this of the sign-in.
    fn grant(&self, key: &Signer, claims: &Value) {
        let header = json!({"alg": "RS256", "kid": key.pair.public.kid});
        let tokens = json!({
            "token_type": "Bearer",
            "access_token": "for-user-info",
            "id_token": key.sign(&header, claims),
        });
        self.answer("/token", 200, &tokens);
    }

    fn claims(&self) -> Value {
        let now = self.memory.now().as_seconds();
        json!({
            "iss": self.issuer, "sub": "1", "aud": "roster", "nonce": NONCE,
            "exp": now + 60, "iat": now, "email": "ann@example.com", "email_verified": true,
        })
    }

    async fn serve(self: Arc<Self>, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let start = head.len();
            stream.read_line(&mut head).await.unwrap();
            let line = head[start..].trim_end().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let request = head + &String::from_utf8(body).unwrap();
        lock(&self.requests).push(request);
        let answer = lock(&self.answers).get(path.as_str()).cloned();
        let (status, body) = answer.unwrap_or((404, String::new()));
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status} X\r\nlocation: {}/elsewhere\r\ncontent-length: {length}\r\n\
             connection: close\r\n\r\n{body}",
            self.issuer,
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
    }

    /// The requests so far for `path`, and forgets them all.
    fn requests(&self, path: &str) -> Vec<String> {
        let all = std::mem::take(&mut *lock(&self.requests));
        let begin = format!(" {path} ");
        all.into_iter()
            .filter(|request| {
                request
                    .lines()
                    .next()
                    .is_some_and(|line| line.contains(&begin))
            })
            .collect()
    }

    /// A process that trusts this provider.
    fn trusted(&self) -> Oidc {
        self.trusted_with(&format!(r#"{{"a": "{SECRET}"}}"#))
    }

    fn trusted_with(&self, secrets: &str) -> Oidc {
        let providers = json!([{"name": "a", "issuer": self.issuer, "clientId": "roster"}]);
        Oidc::new(
            providers.to_string().parse().unwrap(),
            secrets.parse().unwrap(),
            true,
            self.memory.clone(),
            self.memory.clone(),
        )
        .unwrap()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

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

    redeem(&site.trusted_with("{}")).await.unwrap();
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
    site.memory.advance(CONFIG.lifetime);
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
async fn a_provider_that_is_away_is_unavailable() {
    let memory = Memory::new();
    // Bound and not listened to any more.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
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
    );
    let away = away.unwrap();
    assert!(is_unavailable(redeem(&away).await));
    assert_eq!(away.list().await.unwrap(), []);

    let secrets = r#"{"b": "x"}"#.parse().unwrap();
    let strange = Oidc::new(
        providers.clone(),
        secrets,
        true,
        memory.clone(),
        memory.clone(),
    );
    assert!(strange.is_err(), "a secret of nobody");
    let plain = Oidc::new(providers, none, false, memory.clone(), memory);
    assert!(plain.is_err(), "plain HTTP, and nobody allowed it");
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
