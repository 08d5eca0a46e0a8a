//! A provider that speaks HTTP.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use application::ports::CacheEntry;
use domain::Timestamp;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

use super::super::{signer::Signer, *};

/// A shared cache and a clock.
#[derive(Default)]
pub(super) struct Memory {
    entries: Mutex<BTreeMap<String, CacheEntry>>,
    micros: AtomicI64,
}

impl Memory {
    pub(super) fn new() -> Arc<Self> {
        let memory = Self::default();
        memory.advance(Duration::from_hours(24 * 365 * 50));
        Arc::new(memory)
    }

    pub(super) fn advance(&self, span: Duration) {
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

pub(super) const DISCOVERY: &str = "/.well-known/openid-configuration";
pub(super) const NONCE: &str = "n-0123456789abcdef";
pub(super) const SECRET: &str = "s3cret/+ &";

/// A provider which answers what a test wants.
pub(super) struct Site {
    pub(super) issuer: String,
    pub(super) memory: Arc<Memory>,
    answers: Mutex<BTreeMap<&'static str, (u16, String)>>,
    pub(super) requests: Mutex<Vec<String>>,
}

impl Site {
    /// A provider with a key, without users.
    pub(super) async fn open(key: &Signer) -> Arc<Self> {
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

    pub(super) fn metadata(&self) -> Value {
        let issuer = &self.issuer;
        json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "userinfo_endpoint": format!("{issuer}/userinfo"),
            "jwks_uri": format!("{issuer}/keys"),
        })
    }

    pub(super) fn answer(&self, path: &'static str, status: u16, body: &impl ToString) {
        let answer = (status, body.to_string());
        lock(&self.answers).insert(path, answer);
    }

    pub(super) fn publish(&self, keys: &[&Signer]) {
        let keys: Vec<_> = keys.iter().map(|key| &key.jwk).collect();
        self.answer("/keys", 200, &json!({"keys": keys}));
    }

    /// From now on a code is exchanged for an ID token with these claims.
    pub(super) fn grant(&self, key: &Signer, claims: &Value) {
        let header = json!({"alg": "RS256", "kid": key.pair.public.kid});
        let tokens = json!({
            "token_type": "Bearer",
            "access_token": "for-user-info",
            "id_token": key.sign(&header, claims),
        });
        self.answer("/token", 200, &tokens);
    }

    pub(super) fn claims(&self) -> Value {
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
    pub(super) fn requests(&self, path: &str) -> Vec<String> {
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
    pub(super) fn trusted(&self) -> Oidc {
        self.trusted_with(Some(SECRET))
    }

    pub(super) fn trusted_with(&self, secret: Option<&str>) -> Oidc {
        let mut secrets = ClientSecrets::default();
        if let Some(secret) = secret {
            secrets.insert("a".parse().unwrap(), secret.into());
        }
        let providers = json!([{
            "name": "a", "issuer": self.issuer, "clientId": "roster", "provesEmail": true,
        }]);
        Oidc::new(
            providers.to_string().parse().unwrap(),
            secrets,
            true,
            self.memory.clone(),
            self.memory.clone(),
            super::LAG,
        )
        .unwrap()
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
